// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/group_places.h"

namespace kilonova::scheduler::core {

GroupPlaces::GroupPlaces(const Fleet& fleet, const PlacementRequest& request) : request_(request) {
  CountAll(fleet);
  if (request.instances.size() > 1) {
    for (const Uuid& uuid : request.instance_group->members) {
      if (!uuid.empty()) members_.insert(KeyOf(uuid));
    }
    std::vector<Uuid> unplaced;
    for (const Uuid& uuid : request.instances) {
      if (!uuid.empty() && fleet.FindClaim(KeyOf(uuid)) == nullptr) unplaced.push_back(uuid);
    }
    elsewhere_ = !fleet.PlacesOf(unplaced).empty();
  }
  while (placed_ < request.instances.size() && !request.instances[placed_].empty() &&
         fleet.FindClaim(KeyOf(request.instances[placed_])) != nullptr) {
    ++placed_;
  }
  Refresh(fleet);
}

void GroupPlaces::CountAll(const Fleet& fleet) {
  counts_.clear();
  for (const HostIndex host : fleet.PlacesOf(request_.instance_group->members)) ++counts_[host];
}

void GroupPlaces::Refresh(const Fleet& fleet) {
  for (; placed_ < request_.instances.size(); ++placed_) {
    const Uuid& uuid = request_.instances[placed_];
    const auto* claim = uuid.empty() ? nullptr : fleet.FindClaim(KeyOf(uuid));
    if (claim == nullptr) break;
    if (members_.contains(KeyOf(uuid))) ++counts_[claim->host];
  }
  if (elsewhere_) CountAll(fleet);
  at_home_.clear();
  if (request_.instances.empty()) return;
  at_home_ = fleet.PlacesOf({request_.instances[std::min(placed_, request_.instances.size() - 1)]});
}

}  // namespace kilonova::scheduler::core
