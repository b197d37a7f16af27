// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/journal/sqlite_journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/adapters/journal/journal_state.h"
#include "agent/adapters/journal/rows.h"
#include "agent/adapters/journal/schema.h"
#include "common/base/log.h"

namespace kilonova::agent::adapters::journal {
namespace {

Status CannotOpen(const std::string& operator_text) {
  return Error(Code::kDataLoss, reason::kJournalFailed, "the journal cannot be used",
               {{kOperatorDetail, operator_text}});
}

Status MakeFile(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return CannotOpen(file.string() + ": " + std::strerror(errno));
  // SQLite gives -wal and -shm the mode of the file itself.
  const bool done = fchmod(fd, 0600) == 0;
  close(fd);
  return done ? OkStatus() : CannotOpen(file.string() + ": " + std::strerror(errno));
}

Status CheckAndCreate(SQLite::Database& db) {
  const std::string verdict = db.execAndGet("PRAGMA quick_check(1)").getString();
  if (verdict != "ok") return CannotOpen("quick_check: " + verdict);
  const int version = db.execAndGet("PRAGMA user_version").getInt();
  if (version > kSchemaVersion) {
    return CannotOpen("written by a newer version: schema " + std::to_string(version));
  }
  if (version == kSchemaVersion) return OkStatus();
  db.exec("BEGIN IMMEDIATE");
  if (version > 0) {
    if (version < 2) db.exec(kToVersion2);
    if (version < 3) db.exec(kToVersion3);
    if (version < 4) db.exec(kToVersion4);
    db.exec(kToVersion5);
    db.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
    db.exec("COMMIT");
    return OkStatus();
  }
  db.exec(kSchema);
  SQLite::Statement meta(db, "INSERT INTO meta VALUES ('journal_id', ?)");
  meta.bind(1, Uuid::Random().str());
  meta.exec();
  db.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
  db.exec("COMMIT");
  return OkStatus();
}

}  // namespace

Expected<std::unique_ptr<SqliteJournal>> SqliteJournal::Open(const JournalOptions& options,
                                                             const Clock& clock) {
  RETURN_IF_ERROR(MakeFile(options.file));
  try {
    SQLite::Database write(options.file.string(), SQLite::OPEN_READWRITE, 5000);
    write.exec("PRAGMA journal_mode = WAL");
    write.exec("PRAGMA synchronous = FULL");
    // What is deleted or replaced, passwords among it, is overwritten.
    write.exec("PRAGMA secure_delete = ON");
    write.exec("PRAGMA journal_size_limit = 67108864");
    RETURN_IF_ERROR(CheckAndCreate(write));
    const std::string id =
        write.execAndGet("SELECT value FROM meta WHERE key = 'journal_id'").getString();
    SQLite::Database read(options.file.string(), SQLite::OPEN_READONLY, 5000);
    Reserve reserve(options.reserve, options.reserve_bytes);
    if (!reserve.Fill())
      LogWarn("no room for the journal's reserve", {F("file", options.reserve.string())});
    return std::unique_ptr<SqliteJournal>(new SqliteJournal(
        std::make_unique<State>(std::move(write), std::move(read), std::move(reserve), clock, id)));
  } catch (const SQLite::Exception& e) {
    return CannotOpen(options.file.string() + ": " + e.what());
  }
}

SqliteJournal::SqliteJournal(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteJournal::~SqliteJournal() = default;

Status SqliteJournal::State::Read(absl::FunctionRef<Status(SQLite::Database&)> query) {
  const absl::MutexLock lock(&mutex);
  try {
    return query(reader);
  } catch (const SQLite::Exception& e) {
    LogError("the journal cannot be read", {F("what", e.what())});
    return Error(Code::kUnavailable, reason::kJournalFailed, "the host's journal cannot be read",
                 {{kOperatorDetail, e.what()}});
  }
}

void SqliteJournal::State::Quarantine(const char* table,
                                      const std::vector<std::pair<std::int64_t, Status>>& rows) {
  if (rows.empty()) return;
  for (const auto& [rowid, why] : rows) {
    LogError("set aside a damaged row of the journal",
             {F("table", table), F("row", rowid), F("why", why)});
  }
  static_cast<void>(writer.Run([&](SQLite::Database& db) {
    for (const auto& [rowid, why] : rows) {
      SQLite::Statement set(db,
                            std::string("UPDATE ") + table + " SET quarantine = ? WHERE rowid = ?");
      set.bind(1, Describe(why));
      set.bind(2, rowid);
      set.exec();
    }
  }));
}

Expected<std::vector<core::JournalEntry>> SqliteJournal::Unfinished() {
  std::vector<core::JournalEntry> entries;
  std::vector<std::pair<std::int64_t, Status>> damaged;
  RETURN_IF_ERROR(state_->Read([&](SQLite::Database& db) {
    SQLite::Statement rows(db, std::string("SELECT ") + kEntryColumnsNoBody +
                                   " FROM entries WHERE state < 2 AND quarantine IS NULL "
                                   "ORDER BY id");
    while (rows.executeStep()) {
      auto entry = ReadEntry(rows);
      if (entry.ok()) {
        entries.push_back(*std::move(entry));
      } else {
        damaged.emplace_back(rows.getColumn(0).getInt64(), entry.status());
      }
    }
    return OkStatus();
  }));
  state_->Quarantine("entries", damaged);
  return entries;
}

Expected<core::JournalEntry> SqliteJournal::Entry(std::int64_t id) {
  Expected<core::JournalEntry> entry =
      Error(Code::kNotFound, reason::kInternal, "no such journal entry");
  RETURN_IF_ERROR(state_->Read([&](SQLite::Database& db) {
    SQLite::Statement rows(db,
                           std::string("SELECT ") + kEntryColumns + " FROM entries WHERE id = ?");
    rows.bind(1, id);
    if (rows.executeStep()) entry = ReadEntry(rows);
    return OkStatus();
  }));
  return entry;
}

Expected<std::vector<core::InstanceRecord>> SqliteJournal::Instances() {
  std::vector<core::InstanceRecord> records;
  std::vector<std::pair<std::int64_t, Status>> damaged;
  RETURN_IF_ERROR(state_->Read([&](SQLite::Database& db) {
    SQLite::Statement rows(db, std::string("SELECT ") + kInstanceColumnsNoBody +
                                   ", rowid FROM instances WHERE quarantine IS NULL ORDER BY uuid");
    while (rows.executeStep()) {
      auto record = ReadInstance(rows);
      if (record.ok()) {
        records.push_back(*std::move(record));
      } else {
        damaged.emplace_back(rows.getColumn(11).getInt64(), record.status());
      }
    }
    return OkStatus();
  }));
  state_->Quarantine("instances", damaged);
  return records;
}

Expected<std::optional<core::InstanceRecord>> SqliteJournal::Instance(const Uuid& uuid) {
  std::optional<core::InstanceRecord> record;
  RETURN_IF_ERROR(state_->Read([&](SQLite::Database& db) -> Status {
    SQLite::Statement rows(db, std::string("SELECT ") + kInstanceColumns +
                                   " FROM instances WHERE uuid = ? AND quarantine IS NULL");
    rows.bind(1, uuid.str());
    if (rows.executeStep()) {
      ASSIGN_OR_RETURN(record, ReadInstance(rows));
    }
    return OkStatus();
  }));
  return record;
}

Expected<std::vector<model::StateReport>> SqliteJournal::PendingReports(std::int64_t after_seq,
                                                                        std::size_t most) {
  std::vector<model::StateReport> reports;
  RETURN_IF_ERROR(state_->Read([&](SQLite::Database& db) {
    SQLite::Statement rows(db,
                           std::string("SELECT ") + kReportColumns +
                               " FROM reports WHERE acked = 0 AND seq > ? ORDER BY seq LIMIT ?");
    rows.bind(1, after_seq);
    rows.bind(2, static_cast<std::int64_t>(most));
    while (rows.executeStep()) {
      auto report = ReadReport(rows);
      if (report.ok()) {
        reports.push_back(*std::move(report));
      } else {
        LogError("a damaged report in the journal is passed over",
                 {F("seq", rows.getColumn(0).getInt64()), F("why", report.status())});
      }
    }
    return OkStatus();
  }));
  return reports;
}

const std::string& SqliteJournal::JournalId() const { return state_->id; }

core::Journal::Health SqliteJournal::CheckHealth() const {
  return {!state_->writer.Failed(), state_->writer.reserve().Whole()};
}

}  // namespace kilonova::agent::adapters::journal
