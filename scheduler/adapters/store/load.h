// SPDX-License-Identifier: Apache-2.0
// Reads all that a start needs, table by table, in the order LoadVisitor names.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include "scheduler/adapters/store/parts.h"
#include "scheduler/core/store.h"

namespace kilonova::scheduler::adapters {

// Within a transaction of the caller's. Throws SQLite::Exception, and std::invalid_argument for
// what no version ever wrote.
Status LoadAll(SQLite::Database& db, Parts& parts, core::LoadVisitor& to);

}  // namespace kilonova::scheduler::adapters
