// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "common/model/standard_names.h"

namespace kilonova::model {
namespace {

constexpr std::array<std::string_view, 21> kClasses{
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
};

}  // namespace

std::span<const std::string_view> StandardResourceClasses() { return kClasses; }

bool IsStandardResourceClass(std::string_view name) {
  return std::ranges::binary_search(kClasses, name);
}

}  // namespace kilonova::model
