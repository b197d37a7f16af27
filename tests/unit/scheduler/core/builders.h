// SPDX-License-Identifier: Apache-2.0
// Hosts and requests for tests, with everything a test does not care about already sensible.
#pragma once

#include <string>

#include "scheduler/core/engine.h"
#include "scheduler/filters/filters.h"
#include "scheduler/weighers/weighers.h"

namespace kilonova::scheduler::core::testing {

inline model::Inventory Inv(std::int64_t total, double ratio = 1.0, std::int64_t reserved = 0) {
  model::Inventory inventory;
  inventory.total = total;
  inventory.reserved = reserved;
  inventory.allocation_ratio = ratio;
  return inventory;
}

// Up, 8 VCPU, 8 GiB, 100 GiB, no overcommit.
inline HostState Host(const std::string& name) {
  HostState host;
  host.host = name;
  host.cell = "cell1";
  host.up = true;
  host.inventories = {{"VCPU", Inv(8)}, {"MEMORY_MB", Inv(8192)}, {"DISK_GB", Inv(100)}};
  host.hypervisor_type = "QEMU";
  host.hypervisor_version = 7002000;
  host.supported_instances = {{"x86_64", "qemu", "hvm"}};
  return host;
}

inline model::Flavor SmallFlavor(std::int64_t vcpus = 1, std::int64_t memory_mb = 512,
                                 std::int64_t root_gb = 1) {
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "small";
  flavor.vcpus = vcpus;
  flavor.memory_mb = memory_mb;
  flavor.root_gb = root_gb;
  return flavor;
}

inline PlacementRequest Request(const model::Flavor& flavor, std::size_t count = 1) {
  PlacementRequest request;
  request.flavor = flavor;
  for (std::size_t i = 0; i < count; ++i) request.instances.push_back(Uuid::Random());
  return request;
}

inline Pipeline DefaultPipeline() {
  Pipeline pipeline;
  pipeline.filters = filters::MakeFilters(filters::DefaultFilters(), {}).value();
  pipeline.weighers = weighers::MakeWeighers(weighers::DefaultWeighers(), {}).value();
  return pipeline;
}

}  // namespace kilonova::scheduler::core::testing
