// SPDX-License-Identifier: Apache-2.0
// AggregateIoOpsFilter: as IoOpsFilter, with the least limit the host's aggregates name.
#include "scheduler/filters/factories.h"
#include "scheduler/filters/host_limit.h"

namespace kilonova::scheduler::filters {

std::unique_ptr<core::Filter> MakeAggregateIoOpsFilter(const FilterOptions& options) {
  return MakeHostLimitFilter({.filter = "AggregateIoOpsFilter",
                              .what = "I/O operations",
                              .number = &core::HostNumbers::num_io_ops,
                              .most = options.max_io_ops_per_host,
                              .metadata_key = "max_io_ops_per_host"});
}

}  // namespace kilonova::scheduler::filters
