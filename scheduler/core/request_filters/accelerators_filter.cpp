// SPDX-License-Identifier: Apache-2.0
// A device profile needs a host that can attach accelerators.
#include "scheduler/core/request_filters/request_filter.h"

namespace kilonova::scheduler::core {

Status AcceleratorsFilter(const RequestFilterInput& /*input*/, ResourceRequestSpec& spec) {
  const auto profile = spec.flavor.extra_specs.find("accel:device_profile");
  if (profile != spec.flavor.extra_specs.end() && !profile->second.empty()) {
    spec.request_level_params.root_required.insert("COMPUTE_ACCELERATORS");
  }
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
