// SPDX-License-Identifier: Apache-2.0
// How many members of a request's server group each host has, kept up to date while the request's
// own instances are placed one after the other.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "scheduler/core/fleet.h"
#include "scheduler/core/placement.h"

namespace kilonova::scheduler::core {

class GroupPlaces {
 public:
  // Keeps a reference to the request, which has a group.
  GroupPlaces(const Fleet& fleet, const PlacementRequest& request);

  // Counts the instances of the request that were placed since.
  void Refresh(const Fleet& fleet);

  std::int64_t On(HostIndex host) const {
    const auto found = counts_.find(host);
    return found == counts_.end() ? 0 : found->second;
  }
  // Of hosts that have any.
  const absl::flat_hash_map<HostIndex, std::int64_t>& Counts() const { return counts_; }
  // Where the instance being placed is already, as one that moves may be; sorted.
  const std::vector<HostIndex>& AtHome() const { return at_home_; }

 private:
  void CountAll(const Fleet& fleet);

  const PlacementRequest& request_;
  absl::flat_hash_map<HostIndex, std::int64_t> counts_;
  absl::flat_hash_set<UuidKey> members_;  // empty unless there are several instances
  std::vector<HostIndex> at_home_;
  std::size_t placed_ = 0;  // of the request's instances, from the first
  bool elsewhere_ = false;  // some of them have places besides their claims
};

}  // namespace kilonova::scheduler::core
