// SPDX-License-Identifier: Apache-2.0
// The whole records of the instances that changed last: who has just been built or started is asked
// for again at once. Not thread-safe; the conductor guards it.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <deque>
#include <utility>

#include "scheduler/core/records.h"
#include "scheduler/core/uuid_key.h"

namespace kilonova::scheduler::core {

class RecentInstances {
 public:
  explicit RecentInstances(std::size_t most) : most_(most) {}

  void Put(const UuidKey& key, InstancePtr record) {
    order_.emplace_back(key, record->revision);
    records_[key] = std::move(record);
    while (order_.size() > most_) {
      const auto [oldest, revision] = order_.front();
      order_.pop_front();
      const auto found = records_.find(oldest);
      if (found != records_.end() && found->second->revision == revision) records_.erase(found);
    }
  }
  void Erase(const UuidKey& key) { records_.erase(key); }
  // Null: ask the store.
  InstancePtr Find(const UuidKey& key) const {
    const auto found = records_.find(key);
    return found == records_.end() ? nullptr : found->second;
  }

 private:
  const std::size_t most_;
  absl::flat_hash_map<UuidKey, InstancePtr> records_;
  std::deque<std::pair<UuidKey, std::int64_t>> order_;
};

}  // namespace kilonova::scheduler::core
