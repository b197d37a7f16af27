// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/image_names.h"

#include "common/hardware/image_props.h"

namespace kilonova::scheduler::filters {

std::optional<std::string> CanonicalArchitecture(std::string_view name) {
  return hardware::CanonicalWord("hw_architecture", name);
}

std::optional<std::string> CanonicalHypervisorType(std::string_view name) {
  return hardware::CanonicalWord("img_hv_type", name);
}

std::optional<std::string> CanonicalVmMode(std::string_view name) {
  return hardware::CanonicalWord("hw_vm_mode", name);
}

}  // namespace kilonova::scheduler::filters
