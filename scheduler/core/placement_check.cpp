// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/placement_check.h"

#include <algorithm>

namespace kilonova::scheduler::core {

bool PlacementCheck::RootServes(const Fleet& fleet, HostIndex host) const {
  return fleet.Fits(host, footprint_) && rules_.Judge(fleet, host) == Judgement::kPass;
}

std::optional<model::Resources> PlacementCheck::Allocate(const Fleet& fleet, HostIndex host) const {
  const ProviderTrees& trees = fleet.provider_trees();
  if (request_.resource_request == nullptr ||
      !trees.MayAllocate(host, fleet.aggregate_lists[fleet.aggregates[host]],
                         *request_.resource_request)) {
    return std::nullopt;
  }
  return trees.Allocate(host, fleet.RootProvider(host), *request_.resource_request);
}

Judgement PlacementCheck::Judge(const Fleet& fleet, HostIndex host) const {
  if (RootServes(fleet, host) || Allocate(fleet, host)) return Judgement::kPass;
  return fallback_ == nullptr ? Judgement::kRefuse : fallback_->Judge(fleet, host);
}

Status PlacementCheck::Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const {
  const bool nested = request_.resource_request != nullptr &&
                      fleet.provider_trees().MayServe(*request_.resource_request);
  if (nested || fallback_ != nullptr) return PreparedFilter::Keep(fleet, hosts);
  RETURN_IF_ERROR(inventory_.Keep(fleet, hosts));
  return rules_.Keep(fleet, hosts);
}

void PlacementCheck::Describe(const Fleet& fleet, HostIndex host, FilterVerdict& verdict) const {
  inventory_.Describe(fleet, host, verdict);
  if (verdict.passed) return;
  rules_.Describe(fleet, host, verdict);
  if (!fleet.provider_trees().Has(host)) return;
  verdict.have += (verdict.have.empty() ? "" : "; ") + std::string("nested providers: ");
  for (const NestedProvider& nested : fleet.provider_trees().NestedIn(host)) {
    verdict.have += nested.name + " ";
  }
  verdict.have += "which together do not serve it";
}

double PlacementCheck::Nearness(const Fleet& fleet, HostIndex host) const {
  return inventory_.Nearness(fleet, host);
}

}  // namespace kilonova::scheduler::core
