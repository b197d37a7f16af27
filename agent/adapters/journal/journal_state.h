// SPDX-License-Identifier: Apache-2.0
// Between sqlite_journal.cpp (opening, reading) and journal_writes.cpp.
#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include <string>
#include <vector>

#include "agent/adapters/journal/sqlite_journal.h"
#include "agent/adapters/journal/writer.h"

namespace kilonova::agent::adapters::journal {

struct SqliteJournal::State {
  State(SQLite::Database write, SQLite::Database read, Reserve reserve, const Clock& the_clock,
        std::string journal_id)
      : clock(the_clock),
        id(std::move(journal_id)),
        reader(std::move(read)),
        writer(std::move(write), std::move(reserve)) {}

  // Runs `query` on the reading connection; its exceptions become JOURNAL_FAILED.
  Status Read(absl::FunctionRef<Status(SQLite::Database&)> query);
  // Sets rows aside that cannot be read, so that they are met once only.
  void Quarantine(const char* table, const std::vector<std::pair<std::int64_t, Status>>& rows);

  const Clock& clock;
  const std::string id;
  absl::Mutex mutex;
  SQLite::Database reader ABSL_GUARDED_BY(mutex);
  Writer writer;
};

}  // namespace kilonova::agent::adapters::journal
