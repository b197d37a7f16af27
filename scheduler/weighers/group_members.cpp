// SPDX-License-Identifier: Apache-2.0
#include "scheduler/weighers/group_members.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>

namespace kilonova::scheduler::weighers {

bool HasGroupOf(const core::PlacementRequest& request, std::string_view policy) {
  return request.instance_group && request.instance_group->policy == policy;
}

void WeighMembers(const core::Fleet& fleet, const core::PlacementRequest& request,
                  std::string_view policy, double factor, std::span<const core::HostIndex> hosts,
                  std::span<double> raw) {
  std::ranges::fill(raw, 0.0);
  if (!HasGroupOf(request, policy)) return;
  absl::flat_hash_map<core::HostIndex, double> members;
  for (const auto host : fleet.PlacesOf(request.instance_group->members)) members[host] += factor;
  if (members.empty()) return;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto found = members.find(hosts[i]);
    if (found != members.end()) raw[i] = found->second;
  }
}

}  // namespace kilonova::scheduler::weighers
