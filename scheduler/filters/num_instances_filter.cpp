// SPDX-License-Identifier: Apache-2.0
// NumInstancesFilter: hosts with fewer instances than max_instances_per_host.
#include "scheduler/filters/factories.h"
#include "scheduler/filters/host_limit.h"

namespace kilonova::scheduler::filters {

std::unique_ptr<core::Filter> MakeNumInstancesFilter(const FilterOptions& options) {
  return MakeHostLimitFilter({.filter = "NumInstancesFilter",
                              .what = "instances",
                              .number = &core::HostNumbers::num_instances,
                              .most = options.max_instances_per_host,
                              .metadata_key = ""});
}

}  // namespace kilonova::scheduler::filters
