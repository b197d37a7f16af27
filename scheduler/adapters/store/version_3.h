// SPDX-License-Identifier: Apache-2.0
// Version 3 of the schema: instances in columns that a start can read without their documents.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include "common/base/status.h"

namespace kilonova::scheduler::adapters {

// The old tables under other names, the new ones empty.
extern const char kVersion3Sql[];
// Moves every row and drops the old tables. Within the step's transaction; DATA_LOSS for a row that
// cannot be read. May throw SQLite::Exception.
Status MoveToVersion3(SQLite::Database& db);

}  // namespace kilonova::scheduler::adapters
