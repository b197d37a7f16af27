// SPDX-License-Identifier: Apache-2.0
// Says why a request goes where it goes, or nowhere: every host through inventory and filters, with
// counts per filter, and the telling ones in full.
#pragma once

#include <vector>

#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"
#include "scheduler/core/placement_check.h"
#include "scheduler/core/scoring.h"

namespace kilonova::scheduler::core {

// Judges all hosts for the first instance of `request`. Lists at most `most_hosts`: those that
// passed by weight, then those that got furthest.
Expected<Explanation> ExplainRequest(const Fleet& fleet, const Pipeline& pipeline,
                                     const PlacementRequest& request,
                                     const PlacementCheck& placement, Scorer& scorer,
                                     std::size_t most_hosts);

}  // namespace kilonova::scheduler::core
