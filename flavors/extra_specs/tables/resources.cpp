// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

// The standard resource classes, and those of the operator's own.
constexpr std::array<std::string_view, 22> kNames{
    "DISK_GB",
    "FPGA",
    "IPV4_ADDRESS",
    "MEMORY_MB",
    "MEM_ENCRYPTION_CONTEXT",
    "NET_BW_EGR_KILOBIT_PER_SEC",
    "NET_BW_IGR_KILOBIT_PER_SEC",
    "NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
    "NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC",
    "NET_PACKET_RATE_KILOPACKET_PER_SEC",
    "NUMA_CORE",
    "NUMA_MEMORY_MB",
    "NUMA_SOCKET",
    "NUMA_THREAD",
    "PCI_DEVICE",
    "PCPU",
    "PGPU",
    "SRIOV_NET_VF",
    "VCPU",
    "VGPU",
    "VGPU_DISPLAY_HEAD",
    "CUSTOM_{resource}",
};

}  // namespace

std::vector<Table> ResourcesTables() {
  return {{.prefix = "resources{group}:",
           .names = kNames,
           .common = {.value = {.type = ValueType::kInt},
                      .help = "Amount of this resource class to claim, in place of what the "
                              "flavor's own size says; 0 takes the class out."}}};
}

}  // namespace kilonova::flavors::extra_specs
