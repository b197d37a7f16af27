// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/store.h"

#include <absl/synchronization/mutex.h>

#include <utility>

namespace kilonova::scheduler::core {

Expected<CommitInfo> Store::Commit(std::vector<Op> ops) {
  absl::Mutex mutex;
  std::optional<Expected<CommitInfo>> result;
  Submit(std::move(ops), [&](Expected<CommitInfo> done) {
    absl::MutexLock lock(&mutex);
    result = std::move(done);
  });
  absl::MutexLock lock(&mutex);
  mutex.Await(absl::Condition(
      +[](std::optional<Expected<CommitInfo>>* r) { return r->has_value(); }, &result));
  return *std::move(result);
}

}  // namespace kilonova::scheduler::core
