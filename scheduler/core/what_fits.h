// SPDX-License-Identifier: Apache-2.0
// How many more instances of one kind each host would take, one request after the other until all
// refuse, without placing any: what Placement's inventories leave is divided, and only rules that
// look at how full a host is are asked step by step.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::core {

// Counts stop here: a request of nothing fits without end. Where providers are nested or shared,
// instances are counted one by one, and no further than to the second number.
inline constexpr std::int64_t kMostRoom = 1'000'000;
inline constexpr std::int64_t kMostNestedRoom = 20'000;

struct RoomOnHost {
  HostIndex host = 0;
  std::int64_t count = 0;
};

// From `begin` to before `end`, which may be past the last.
struct HostRange {
  HostIndex begin = 0, end = 0;
};

// Those of `range` with room for one or more, in the order of indexes. `footprint` is held by the
// fleet, which is as before when this returns. Rules are taken to grow stricter as a host fills.
// The request names no server group, whose members on one host decide about the others: see
// LimitToGroup.
Expected<std::vector<RoomOnHost>> RoomFor(Fleet& fleet, const Pipeline& pipeline,
                                          const PlacementRequest& request,
                                          Fleet::FootprintId footprint, HostRange range);

// True when the group is to be on one host and no member is on any yet: the first one decides.
bool WantsOneHost(const Pipeline& pipeline, const InstanceGroup& group);
// Leaves of each host's room what the filters of the group's policy let it have. `first`: where the
// first member would go, of a group that WantsOneHost.
void LimitToGroup(const Fleet& fleet, const Pipeline& pipeline, const InstanceGroup& group,
                  std::optional<HostIndex> first, std::map<HostIndex, std::int64_t>& room);

}  // namespace kilonova::scheduler::core
