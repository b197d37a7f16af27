// SPDX-License-Identifier: Apache-2.0
// An availability zone is the aggregates that bear its name.
#include "scheduler/core/request_filters/request_filter.h"

namespace kilonova::scheduler::core {

Status MapAzToPlacementAggregate(const RequestFilterInput& input, ResourceRequestSpec& spec) {
  if (!input.options.query_placement_for_availability_zone || input.availability_zone.empty()) {
    return OkStatus();
  }
  std::vector<std::string> uuids;
  for (const AggregateMetadata& aggregate : input.aggregates) {
    const auto zone = aggregate.metadata.find("availability_zone");
    if (zone != aggregate.metadata.end() && zone->second == input.availability_zone) {
      uuids.push_back(aggregate.uuid);
    }
  }
  // The default zone has no aggregate; which hosts are in it is for the filter to say.
  if (!uuids.empty()) RequireAggregates(uuids, spec);
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
