// SPDX-License-Identifier: Apache-2.0
// What is read from the database, over a connection of its own: readers and the writer do not wait
// for each other.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <memory>
#include <string>
#include <vector>

#include "scheduler/adapters/store/rows.h"
#include "scheduler/core/store.h"

namespace kilonova::scheduler::adapters {

class Reader {
 public:
  explicit Reader(std::unique_ptr<SQLite::Database> db) : db_(std::move(db)) {}

  Expected<core::Snapshot> Load();
  Expected<core::InstancePtr> DeletedInstance(const Uuid& uuid);
  Expected<std::vector<core::InstancePtr>> DeletedInstances(const core::DeletedQuery& query);
  Expected<std::vector<core::InstancePtr>> DeletedSince(std::int64_t after, std::int64_t up_to,
                                                        std::size_t most);
  Expected<std::string> OutboxBody(std::int64_t id);
  Expected<std::string> AdminPassword(const Uuid& instance);

 private:
  absl::Mutex mutex_;
  std::unique_ptr<SQLite::Database> db_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::scheduler::adapters
