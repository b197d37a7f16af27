// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/resource_request/resource_class.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <array>

namespace kilonova::scheduler::core {
namespace {

constexpr std::array<std::string_view, 21> kStandardClasses = {
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

constexpr std::string_view kCustom = "CUSTOM_";

}  // namespace

bool IsResourceClass(std::string_view name) {
  return name.starts_with(kCustom) ||
         std::binary_search(kStandardClasses.begin(), kStandardClasses.end(), name);
}

std::string CustomResourceClass(std::string_view name) {
  std::string text(kCustom);
  bool in_word = true;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte)) {
      text += absl::ascii_toupper(byte);
      in_word = true;
    } else if (in_word) {
      text += '_';
      in_word = false;
    }
  }
  return text;
}

}  // namespace kilonova::scheduler::core
