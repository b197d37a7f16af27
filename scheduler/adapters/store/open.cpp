// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/open.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "scheduler/adapters/store/schema.h"

namespace kilonova::scheduler::adapters {
namespace {

Status Denied(const std::string& what, const std::string& path, int error) {
  return Error(Code::kPermissionDenied, reason::kConfigInvalid,
               "cannot " + what + " " + path + ": " + std::strerror(error));
}

Status Damaged(const std::string& path, const std::string& found) {
  return Error(Code::kDataLoss, reason::kConfigInvalid,
               "the database " + path + " is damaged (" + found +
                   "); restore it from a backup, or recover what is readable with"
                   " `sqlite3 " +
                   path + " .recover`");
}

// Made by us, before SQLite does, so that nobody else can read it at any moment. SQLite gives its
// -wal and -shm files the same mode.
Status Touch(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Denied("open", path, errno);
  struct stat info {};
  Status status;
  if (fstat(fd, &info) != 0) {
    status = Denied("inspect", path, errno);
  } else if (!S_ISREG(info.st_mode)) {
    status = Denied("use", path, EINVAL);
  } else if ((info.st_mode & 0077) != 0 && fchmod(fd, 0600) != 0) {
    status = Denied("restrict", path, errno);
  }
  close(fd);
  return status;
}

Expected<FileLock> Lock(const std::string& path) {
  const std::string name = path + ".lock";
  const int fd = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Denied("open", name, errno);
  FileLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  return Error(Code::kFailedPrecondition, reason::kConfigInvalid,
               "the database " + path + " is in use by another scheduler");
}

void Configure(SQLite::Database& db, std::chrono::milliseconds busy_timeout) {
  db.setBusyTimeout(static_cast<int>(busy_timeout.count()));
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA foreign_keys = ON");
  db.exec("PRAGMA secure_delete = ON");
  db.exec("PRAGMA wal_autocheckpoint = 16000");
  db.exec("PRAGMA cache_size = -65536");
  db.exec("PRAGMA trusted_schema = OFF");
}

}  // namespace

std::string QuickCheck(SQLite::Database& db) {
  return db.execAndGet("PRAGMA quick_check(1)").getString();
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

Expected<OpenDatabase> OpenAndCheck(const std::string& path, std::chrono::milliseconds busy_timeout,
                                    const Clock& clock, std::int64_t most_checked_bytes) {
  OpenDatabase open;
  ASSIGN_OR_RETURN(open.lock, Lock(path));
  RETURN_IF_ERROR(Touch(path));
  try {
    // Each connection is used by one thread at a time.
    const int flags = SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX;
    open.writer = std::make_unique<SQLite::Database>(path, flags);
    Configure(*open.writer, busy_timeout);
    const std::int64_t pages = open.writer->execAndGet("PRAGMA page_count").getInt64();
    const std::int64_t bytes = pages * open.writer->execAndGet("PRAGMA page_size").getInt64();
    open.unchecked = bytes > most_checked_bytes;
    if (!open.unchecked) {
      const std::string check = QuickCheck(*open.writer);
      if (check != "ok") return Damaged(path, check);
    }
    RETURN_IF_ERROR(Migrate(*open.writer, clock.Now()));
    open.reader = std::make_unique<SQLite::Database>(path, flags);
    open.reader->setBusyTimeout(static_cast<int>(busy_timeout.count()));
    open.reader->exec("PRAGMA query_only = ON");
    return open;
  } catch (const SQLite::Exception& e) {
    switch (e.getErrorCode() & 0xFF) {
      case SQLITE_NOTADB:
      case SQLITE_CORRUPT:
        return Damaged(path, e.what());
      case SQLITE_READONLY:
      case SQLITE_CANTOPEN:
      case SQLITE_PERM:
        return Error(Code::kPermissionDenied, reason::kConfigInvalid,
                     "the database " + path + " cannot be written: " + e.what());
      default:
        return Error(Code::kUnavailable, reason::kUnavailable,
                     "the database " + path + " cannot be opened: " + e.what());
    }
  }
}

}  // namespace kilonova::scheduler::adapters
