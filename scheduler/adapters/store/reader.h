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

#include "scheduler/adapters/store/load_queue.h"
#include "scheduler/adapters/store/parts.h"
#include "scheduler/adapters/store/rows.h"
#include "scheduler/adapters/store/statements.h"
#include "scheduler/core/store.h"

namespace kilonova::scheduler::adapters {

class Reader {
 public:
  explicit Reader(std::unique_ptr<SQLite::Database> db);

  Status Load(core::LoadVisitor& to);
  Expected<core::InstancePtr> Instance(const Uuid& uuid);
  Expected<std::vector<core::InstancePtr>> Instances(std::span<const std::int64_t> ids);
  Expected<std::optional<core::RequestRow>> Request(const std::string& request_id);
  Expected<core::InstancePtr> DeletedInstance(const Uuid& uuid);
  Expected<std::vector<core::InstancePtr>> DeletedInstances(const core::DeletedQuery& query);
  Expected<std::vector<core::InstancePtr>> DeletedSince(std::int64_t after, std::int64_t up_to,
                                                        std::size_t most);
  Expected<std::string> OutboxBody(std::int64_t id);
  Expected<std::string> AdminPassword(const Uuid& instance);

 private:
  // On Load's second thread.
  Status ReadInto(LoadQueue& queue);
  // The row of a statement that begins as KILONOVA_INSTANCES does.
  Expected<core::InstancePtr> Read(SQLite::Statement& row) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  std::unique_ptr<SQLite::Database> db_ ABSL_GUARDED_BY(mutex_);
  Statements statements_ ABSL_GUARDED_BY(mutex_);
  Parts parts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::scheduler::adapters
