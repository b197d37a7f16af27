// SPDX-License-Identifier: Apache-2.0
// IoOpsFilter: hosts with fewer I/O operations under way than max_io_ops_per_host.
#include "scheduler/filters/factories.h"
#include "scheduler/filters/host_limit.h"

namespace kilonova::scheduler::filters {

std::unique_ptr<core::Filter> MakeIoOpsFilter(const FilterOptions& options) {
  return MakeHostLimitFilter({.filter = "IoOpsFilter",
                              .what = "I/O operations",
                              .number = &core::HostNumbers::num_io_ops,
                              .most = options.max_io_ops_per_host,
                              .metadata_key = ""});
}

}  // namespace kilonova::scheduler::filters
