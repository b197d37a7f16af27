// SPDX-License-Identifier: Apache-2.0
// What one instance takes from its host, in both of the cloud's ledgers: Placement's resource
// classes, and the flavor sizes Nova's scheduler subtracts from its picture of the host.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/model/flavor.h"
#include "common/model/resources.h"

namespace kilonova::scheduler::core {

struct Footprint {
  model::Resources resources;
  // The classes of `resources` without zeros, in its order: ids in the fleet, amounts, names.
  std::vector<std::uint32_t> classes;
  std::vector<std::int64_t> amounts;
  std::vector<std::string> names;
  // Those of nested providers, which have no column.
  struct Nested {
    std::string provider, resource_class;
    std::int64_t amount = 0;
  };
  std::vector<Nested> nested;
  std::int64_t memory_mb = 0;
  std::int64_t disk_mb = 0;  // root and ephemeral, without swap: as Nova's scheduler counts
  std::int64_t vcpus = 0;
};

// The part that comes from the flavor alone; classes are filled in by the fleet.
inline Footprint FootprintOf(const model::Flavor& flavor, const model::Resources& resources) {
  Footprint print;
  print.resources = resources;
  print.memory_mb = flavor.memory_mb;
  print.disk_mb = (flavor.root_gb + flavor.ephemeral_gb) * 1024;
  print.vcpus = flavor.vcpus;
  return print;
}

inline std::string KeyOf(const Footprint& print) {
  std::string key = std::to_string(print.memory_mb) + '/' + std::to_string(print.disk_mb) + '/' +
                    std::to_string(print.vcpus);
  for (const auto& [name, amount] : print.resources) {
    key += '|';
    key += name;
    key += '=';
    key += std::to_string(amount);
  }
  return key;
}

}  // namespace kilonova::scheduler::core
