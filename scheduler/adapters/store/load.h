// SPDX-License-Identifier: Apache-2.0
// Reads all that a start needs, table by table, in the order LoadVisitor names.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include "scheduler/adapters/store/load_queue.h"
#include "scheduler/adapters/store/parts.h"

namespace kilonova::scheduler::adapters {

// Within a transaction of the caller's. CANCELLED once nobody takes any more. Throws
// SQLite::Exception, and std::invalid_argument for what no version ever wrote.
Status LoadAll(SQLite::Database& db, Parts& parts, LoadQueue& queue);

}  // namespace kilonova::scheduler::adapters
