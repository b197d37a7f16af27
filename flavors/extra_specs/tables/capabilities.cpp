// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array<std::string_view, 34> kValues{
    "aggregates",
    "cell_uuid",
    "cpu_allocation_ratio",
    "current_workload",
    "disk_allocation_ratio",
    "disk_available_least",
    "disk_mb_used",
    "failed_builds",
    "free_disk_gb",
    "free_disk_mb",
    "free_ram_mb",
    "host",
    "host_ip",
    "hypervisor_hostname",
    "hypervisor_type",
    "hypervisor_version",
    "id",
    "local_gb",
    "local_gb_used",
    "mapped",
    "memory_mb",
    "memory_mb_used",
    "num_instances",
    "num_io_ops",
    "ram_allocation_ratio",
    "running_vms",
    "service_id",
    "total_usable_disk_gb",
    "total_usable_ram_mb",
    "updated",
    "uuid",
    "vcpus",
    "vcpus_total",
    "vcpus_used",
};

// Those a value is picked out of: capabilities:cpu_info:arch.
constexpr std::array<std::string_view, 11> kTrees{
    "cpu_info{filter}",
    "instances{filter}",
    "limits{filter}",
    "metrics{filter}",
    "nodename{filter}",
    "numa_topology{filter}",
    "pci_device_pools{filter}",
    "pci_stats{filter}",
    "stats{filter}",
    "supported_hv_specs{filter}",
    "supported_instances{filter}",
};

constexpr Row kCommon{
    .help =
        "What the host reports must satisfy the value: a text to be equal to, or an operator "
        "and operands: = == != >= <= s== s!= s>= s> s<= s< <in> <all-in> <or>. Read by "
        "ComputeCapabilitiesFilter."};

}  // namespace

std::vector<Table> CapabilitiesTables() {
  return {{.prefix = "capabilities:", .names = kValues, .common = kCommon},
          {.prefix = "capabilities:", .names = kTrees, .common = kCommon}};
}

}  // namespace kilonova::flavors::extra_specs
