// SPDX-License-Identifier: Apache-2.0
#include "agent/core/host_claims.h"

namespace kilonova::agent::core {

Status HostClaims::Claim(const Uuid& instance, const model::Resources& resources,
                         const model::Inventories& inventories) {
  const absl::MutexLock lock(&mutex_);
  for (const auto& [name, amount] : resources) {
    const auto inventory = inventories.find(name);
    std::int64_t free = 0;
    if (inventory != inventories.end()) {
      free = inventory->second.Capacity();
      for (const auto& [other, taken] : claims_) {
        if (other == instance) continue;
        if (const auto it = taken.find(name); it != taken.end()) free -= it->second;
      }
    }
    if (amount > free || (inventory != inventories.end() && amount > inventory->second.max_unit)) {
      return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                   "the host has not enough left",
                   {{"class", name},
                    {"need", std::to_string(amount)},
                    {"free", std::to_string(std::max<std::int64_t>(free, 0))}});
    }
  }
  claims_[instance] = resources;
  return OkStatus();
}

void HostClaims::Set(const Uuid& instance, const model::Resources& resources) {
  const absl::MutexLock lock(&mutex_);
  claims_[instance] = resources;
}

void HostClaims::Release(const Uuid& instance) {
  const absl::MutexLock lock(&mutex_);
  claims_.erase(instance);
}

model::Resources HostClaims::Used() const {
  const absl::MutexLock lock(&mutex_);
  model::Resources used;
  for (const auto& [instance, taken] : claims_) {
    for (const auto& [name, amount] : taken) used[name] += amount;
  }
  return used;
}

}  // namespace kilonova::agent::core
