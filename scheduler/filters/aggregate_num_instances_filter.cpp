// SPDX-License-Identifier: Apache-2.0
// AggregateNumInstancesFilter: as NumInstancesFilter, with the least limit the aggregates name.
#include "scheduler/filters/factories.h"
#include "scheduler/filters/host_limit.h"

namespace kilonova::scheduler::filters {

std::unique_ptr<core::Filter> MakeAggregateNumInstancesFilter(const FilterOptions& options) {
  return MakeHostLimitFilter({.filter = "AggregateNumInstancesFilter",
                              .what = "instances",
                              .number = &core::HostNumbers::num_instances,
                              .most = options.max_instances_per_host,
                              .metadata_key = "max_instances_per_host"});
}

}  // namespace kilonova::scheduler::filters
