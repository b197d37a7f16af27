// SPDX-License-Identifier: Apache-2.0
// The tables, as a list of steps that never change once released: a database is brought up to date
// by the steps it has not seen yet. docs/formats/database.md describes them.
#pragma once

#include "common/base/clock.h"
#include "common/base/status.h"

namespace SQLite {
class Database;
}

namespace kilonova::scheduler::adapters {

// Applies the missing steps, each in its own transaction. FAILED_PRECONDITION when the database
// has a step this program does not know. May throw SQLite::Exception.
Status Migrate(SQLite::Database& db, WallTime now);

}  // namespace kilonova::scheduler::adapters
