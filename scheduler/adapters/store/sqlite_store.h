// SPDX-License-Identifier: Apache-2.0
// The scheduler's Store on SQLite: WAL, synchronous=FULL, one writer thread that commits whatever
// has gathered while the last sync ran. No exception and no SQLite type leaves this folder.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "scheduler/core/store.h"

namespace kilonova::scheduler::adapters {

struct SqliteStoreOptions {
  std::string path;
  // How long a lock held by another process (a backup) is waited for.
  std::chrono::milliseconds busy_timeout{5000};
  std::size_t most_units_per_commit = 512;
  // A larger file is checked while it serves; Health() tells.
  std::int64_t most_checked_bytes = 256 << 20;
  std::size_t most_units_waiting = 8192;  // beyond this Submit blocks
};

// Opens or creates the file (mode 0600), checks it (`PRAGMA quick_check`, a
// large one while it serves already) and brings its schema up
// to date. Refuses, with a message that names the file and what to do: DATA_LOSS for a damaged
// file, FAILED_PRECONDITION for one from a newer version or one another process has open,
// PERMISSION_DENIED for one that cannot be written.
Expected<std::unique_ptr<core::Store>> OpenSqliteStore(const SqliteStoreOptions& options,
                                                       const Clock& clock = SystemClock());

}  // namespace kilonova::scheduler::adapters
