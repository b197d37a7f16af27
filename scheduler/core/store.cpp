// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/store.h"

#include <utility>

#include "scheduler/core/awaited.h"

namespace kilonova::scheduler::core {

Expected<CommitInfo> Store::Commit(std::vector<Op> ops) {
  Awaited<Expected<CommitInfo>> result;
  Submit(std::move(ops), [&](Expected<CommitInfo> done) { result.Set(std::move(done)); });
  return result.Get();
}

}  // namespace kilonova::scheduler::core
