// SPDX-License-Identifier: Apache-2.0
#include "agent/core/counters.h"

namespace kilonova::agent::core {

void Counters::Add(std::string_view name, std::int64_t by) {
  const absl::MutexLock lock(&mutex_);
  if (const auto it = totals_.find(name); it != totals_.end()) {
    it->second += by;
  } else {
    totals_.emplace(std::string(name), by);
  }
}

std::map<std::string, std::int64_t> Counters::Snapshot() const {
  const absl::MutexLock lock(&mutex_);
  return {totals_.begin(), totals_.end()};
}

}  // namespace kilonova::agent::core
