// SPDX-License-Identifier: Apache-2.0
#include "common/model/resources.h"

#include "common/model/flavor.h"

namespace kilonova::model {

std::int64_t Inventory::Capacity() const {
  return static_cast<std::int64_t>(static_cast<double>(total - reserved) * allocation_ratio);
}

bool Inventory::AllowsUnit(std::int64_t amount) const {
  return amount >= min_unit && amount <= max_unit && step_size > 0 && amount % step_size == 0;
}

Resources ResourcesOf(const Flavor& flavor) {
  Resources resources;
  const auto put = [&resources](std::string_view name, std::int64_t amount) {
    if (amount > 0) resources.emplace(name, amount);
  };
  put(kVcpu, flavor.vcpus);
  put(kMemoryMb, flavor.memory_mb);
  put(kDiskGb, flavor.root_gb + flavor.ephemeral_gb + (flavor.swap_mb + 1023) / 1024);
  return resources;
}

}  // namespace kilonova::model
