// SPDX-License-Identifier: Apache-2.0
// Opens the database file: rights, one owner, pragmas, the check, the schema.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"

namespace kilonova::scheduler::adapters {

// Held while the process uses the database; another process that wants it is refused.
class FileLock {
 public:
  FileLock() = default;
  explicit FileLock(int fd) : fd_(fd) {}
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileLock();

 private:
  int fd_ = -1;
};

struct OpenDatabase {
  FileLock lock;
  std::unique_ptr<SQLite::Database> writer, reader;
  bool unchecked = false;  // too large to be checked before it serves
};

// SQLite's quick_check: "ok" or the first fault found.
std::string QuickCheck(SQLite::Database& db);

Expected<OpenDatabase> OpenAndCheck(const std::string& path, std::chrono::milliseconds busy_timeout,
                                    const Clock& clock, std::int64_t most_checked_bytes);

}  // namespace kilonova::scheduler::adapters
