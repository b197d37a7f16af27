// SPDX-License-Identifier: Apache-2.0
// The prepared statements of one connection, each made once, and values bound to them. Used by one
// thread at a time.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/uuid_key.h"

namespace kilonova::scheduler::adapters {

class Statements {
 public:
  explicit Statements(SQLite::Database& db) : db_(db) {}
  // `sql` is a constant: it is known by its address. As the last use left it: Binder resets it.
  SQLite::Statement& Use(const char* sql) {
    for (auto& [text, statement] : statements_) {
      if (text == sql) return *statement;
    }
    statements_.emplace_back(sql, std::make_unique<SQLite::Statement>(db_, sql));
    return *statements_.back().second;
  }
  // After a failure: none is left half way.
  void ResetAll() {
    for (auto& [text, statement] : statements_) statement->tryReset();
  }

 private:
  SQLite::Database& db_;
  std::vector<std::pair<const char*, std::unique_ptr<SQLite::Statement>>> statements_;
};

// The 16 bytes a uuid is stored as.
inline std::array<unsigned char, 16> BytesOf(const core::UuidKey& key) {
  std::array<unsigned char, 16> bytes{};
  for (unsigned i = 0; i < 8; ++i) {
    bytes[i] = static_cast<unsigned char>(key.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<unsigned char>(key.low >> (56 - 8 * i));
  }
  return bytes;
}

inline core::UuidKey KeyOfBytes(const unsigned char* bytes) {
  core::UuidKey key;
  for (unsigned i = 0; i < 8; ++i) {
    key.high = key.high << 8 | bytes[i];
    key.low = key.low << 8 | bytes[8 + i];
  }
  return key;
}

// Binds by position. Texts and blobs are not copied: they outlive Exec().
class Binder {
 public:
  // tryReset: resetting a statement whose last run failed says that failure again.
  explicit Binder(SQLite::Statement& statement) : statement_(statement) { statement_.tryReset(); }
  Binder& operator()(const std::string& text) {
    statement_.bindNoCopy(++index_, text);
    return *this;
  }
  Binder& operator()(const Uuid& uuid) { return (*this)(uuid.str()); }
  Binder& operator()(const core::UuidKey& key) {
    const auto bytes = BytesOf(key);
    statement_.bind(++index_, bytes.data(), static_cast<int>(bytes.size()));
    return *this;
  }
  Binder& operator()(std::int64_t number) {
    statement_.bind(++index_, number);
    return *this;
  }
  Binder& Null() {
    statement_.bind(++index_);
    return *this;
  }
  Binder& Blob(const std::string& bytes) {
    statement_.bindNoCopy(++index_, bytes.data(), static_cast<int>(bytes.size()));
    return *this;
  }
  int Exec() {
    const int changes = statement_.exec();
    statement_.tryReset();
    return changes;
  }

 private:
  SQLite::Statement& statement_;
  int index_ = 0;
};

// A statement that is read from, reset when it goes: a read left open would keep the log growing.
class Reading {
 public:
  explicit Reading(SQLite::Statement& statement) : statement_(statement) { statement_.tryReset(); }
  ~Reading() { statement_.tryReset(); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  Binder Bind() { return Binder(statement_); }
  SQLite::Statement* operator->() { return &statement_; }
  SQLite::Statement& operator*() { return statement_; }

 private:
  SQLite::Statement& statement_;
};

}  // namespace kilonova::scheduler::adapters
