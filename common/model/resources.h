// SPDX-License-Identifier: Apache-2.0
// Placement's words: resource classes, inventories, allocations.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace kilonova::model {

inline constexpr std::string_view kVcpu = "VCPU";           // virtual CPUs
inline constexpr std::string_view kPcpu = "PCPU";           // dedicated host CPUs
inline constexpr std::string_view kMemoryMb = "MEMORY_MB";  // MiB
inline constexpr std::string_view kDiskGb = "DISK_GB";      // GiB

// One resource class of one host, with Placement's meaning of each field.
struct Inventory {
  std::int64_t total = 0;
  std::int64_t reserved = 0;  // kept back for the host itself, before the ratio
  std::int64_t min_unit = 1;
  std::int64_t max_unit = INT32_MAX;  // the most one allocation may take
  std::int64_t step_size = 1;
  double allocation_ratio = 1.0;

  // (total - reserved) * allocation_ratio, cut to an integer as Placement cuts it.
  std::int64_t Capacity() const;
  // True when `amount` is within min_unit, max_unit and step_size, whatever is used.
  bool AllowsUnit(std::int64_t amount) const;

  friend bool operator==(const Inventory&, const Inventory&) = default;
};

using Inventories = std::map<std::string, Inventory, std::less<>>;
using Resources = std::map<std::string, std::int64_t, std::less<>>;  // class -> amount, no zeros

struct Flavor;
// What an instance of `flavor` with a local root disk takes: VCPU, MEMORY_MB and DISK_GB
// (root + ephemeral + swap rounded up to GiB). Classes of amount 0 are left out, as Nova does.
Resources ResourcesOf(const Flavor& flavor);

}  // namespace kilonova::model
