// SPDX-License-Identifier: Apache-2.0
// Why a guest does not fit a host, for a person: the first thing that stands in its way.
#pragma once

#include <string>

#include "common/hardware/fit.h"

namespace kilonova::hardware {

struct Misfit {
  std::string need;  // "2 dedicated CPUs on one cell"
  std::string have;  // "1 free at most"
};

// " in large pages"; empty for a cell that wants none.
std::string PagesText(const InstanceNumaCell& cell);

// Only for a request that FitInstanceToHost refused; of one that fits it makes no sense. Costs
// about what fitting costs: for the one host that is explained, not for the many that are judged.
Misfit ExplainMisfit(const FitRequest& request);

}  // namespace kilonova::hardware
