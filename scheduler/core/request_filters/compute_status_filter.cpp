// SPDX-License-Identifier: Apache-2.0
// Disabled hosts bear a trait that no request wants.
#include "scheduler/core/request_filters/request_filter.h"

namespace kilonova::scheduler::core {

Status ComputeStatusFilter(const RequestFilterInput& /*input*/, ResourceRequestSpec& spec) {
  spec.request_level_params.root_forbidden.insert("COMPUTE_STATUS_DISABLED");
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
