// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/request_filters/request_filter.h"

#include <absl/strings/str_join.h>

#include <array>
#include <set>

namespace kilonova::scheduler::core {
namespace {

constexpr std::array<RequestFilter, 9> kAll = {
    RequireTenantAggregate, MapAzToPlacementAggregate, RequireImageTypeSupport,
    ComputeStatusFilter,    IsolateAggregates,         TransformImageMetadata,
    AcceleratorsFilter,     RemoteManagedPortsFilter,  EphemeralEncryptionFilter,
};

}  // namespace

Status ApplyRequestFilters(const RequestFilterInput& input, ResourceRequestSpec& spec) {
  for (const RequestFilter filter : kAll) RETURN_IF_ERROR(filter(input, spec));
  return OkStatus();
}

void RequireAggregates(std::span<const std::string> uuids, ResourceRequestSpec& spec) {
  const std::set<std::string> sorted(uuids.begin(), uuids.end());
  if (!spec.requested_destination) spec.requested_destination.emplace();
  spec.requested_destination->aggregates.push_back(absl::StrJoin(sorted, ","));
}

}  // namespace kilonova::scheduler::core
