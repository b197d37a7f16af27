// SPDX-License-Identifier: Apache-2.0
// How many more instances of one kind each host would take, one request after the other until all
// refuse, without placing any: what Placement's inventories leave is divided, and only rules that
// look at how full a host is are asked step by step.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::core {

// Counts stop here: a request of nothing fits without end.
inline constexpr std::int64_t kMostRoom = 1'000'000;

struct RoomOnHost {
  HostIndex host = 0;
  std::int64_t count = 0;
};

// Hosts with room for one or more, in the order of indexes. `footprint` is held by the fleet, which
// is as before when this returns. Rules are taken to grow stricter as a host fills. The request
// names no server group, whose members on one host decide about the others.
Expected<std::vector<RoomOnHost>> RoomFor(Fleet& fleet, const Pipeline& pipeline,
                                          const PlacementRequest& request,
                                          Fleet::FootprintId footprint);

}  // namespace kilonova::scheduler::core
