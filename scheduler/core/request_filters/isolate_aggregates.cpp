// SPDX-License-Identifier: Apache-2.0
// Aggregates with metadata trait:X=required are for those alone that require the trait.
#include <algorithm>

#include "scheduler/core/request_filters/request_filter.h"
#include "scheduler/core/resource_request/resource_request.h"

namespace kilonova::scheduler::core {

Status IsolateAggregates(const RequestFilterInput& input, ResourceRequestSpec& spec) {
  if (!input.options.enable_isolated_aggregate_filtering) return OkStatus();
  ASSIGN_OR_RETURN(const ResourceRequest request, ResourceRequestFrom(spec, {}));
  const TraitNames wanted = request.AllRequiredTraits();
  constexpr std::string_view kPrefix = "trait:";
  for (const AggregateMetadata& aggregate : input.aggregates) {
    const bool wants_more = std::ranges::any_of(aggregate.metadata, [&](const auto& entry) {
      const std::string_view key = entry.first;
      return key.starts_with(kPrefix) && entry.second == "required" &&
             !wanted.contains(key.substr(kPrefix.size()));
    });
    if (!wants_more) continue;
    if (!spec.requested_destination) spec.requested_destination.emplace();
    spec.requested_destination->forbidden_aggregates.insert(aggregate.uuid);
  }
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
