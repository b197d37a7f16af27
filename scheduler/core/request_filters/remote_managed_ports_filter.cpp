// SPDX-License-Identifier: Apache-2.0
// Ports of a SmartNIC need a host whose driver can bind them.
#include "scheduler/core/request_filters/request_filter.h"

namespace kilonova::scheduler::core {

Status RemoteManagedPortsFilter(const RequestFilterInput& input, ResourceRequestSpec& spec) {
  if (input.remote_managed_ports) {
    spec.request_level_params.root_required.insert("COMPUTE_REMOTE_MANAGED_PORTS");
  }
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
