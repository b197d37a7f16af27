// SPDX-License-Identifier: Apache-2.0
// A request with one of its wishes dropped: what may be offered to who was refused.
#pragma once

#include <string>
#include <vector>

#include "scheduler/core/placement.h"

namespace kilonova::scheduler::core {

struct Relaxation {
  std::string change;  // for people: "without the hint query"
  PlacementRequest request;
};

// One for each wish, at most kMostRelaxations. What flavor, image and zone ask of Placement and of
// hosts' hardware is in them as it was: who made it for `request` makes it anew.
inline constexpr std::size_t kMostRelaxations = 64;
std::vector<Relaxation> RelaxationsOf(const PlacementRequest& request);

}  // namespace kilonova::scheduler::core
