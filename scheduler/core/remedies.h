// SPDX-License-Identifier: Apache-2.0
// What is the least that would have to be different for a refused request to fit: one constraint at
// a time is relaxed, of the request or of a host, over the hosts that came nearest.
#pragma once

#include <span>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"
#include "scheduler/core/relaxations.h"

namespace kilonova::scheduler::core {

// At most kMostRemedies, smallest change first; each of them alone makes the first instance of the
// request fit on the host it names. Of the request those of `relaxations` that help, and less of
// one resource. Empty when it fits already, or when no single change helps.
inline constexpr std::size_t kMostRemedies = 8;
Expected<std::vector<Remedy>> FindRemedies(Fleet& fleet, const Pipeline& pipeline,
                                           const PlacementRequest& request,
                                           std::span<const Relaxation> relaxations);

}  // namespace kilonova::scheduler::core
