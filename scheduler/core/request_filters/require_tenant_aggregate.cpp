// SPDX-License-Identifier: Apache-2.0
// Projects that have aggregates of their own (metadata filter_tenant_id*) get hosts of those only.
#include <algorithm>

#include "scheduler/core/request_filters/request_filter.h"

namespace kilonova::scheduler::core {

Status RequireTenantAggregate(const RequestFilterInput& input, ResourceRequestSpec& spec) {
  if (!input.options.limit_tenants_to_placement_aggregate) return OkStatus();
  std::vector<std::string> uuids;
  for (const AggregateMetadata& aggregate : input.aggregates) {
    const bool names_project = std::ranges::any_of(aggregate.metadata, [&](const auto& entry) {
      return entry.first.starts_with("filter_tenant_id") && entry.second == input.project_id;
    });
    if (names_project) uuids.push_back(aggregate.uuid);
  }
  if (!uuids.empty()) {
    RequireAggregates(uuids, spec);
  } else if (input.options.placement_aggregate_required_for_tenants) {
    return Error(Code::kNotFound, reason::kNoValidHost, "no hosts are available to the project",
                 {{"nova_exception", "RequestFilterFailed"}});
  }
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
