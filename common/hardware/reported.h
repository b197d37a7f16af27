// SPDX-License-Identifier: Apache-2.0
// A host's NUMA cells between the report of its agent and what guests are fitted to.
#pragma once

#include <vector>

#include "common/base/status.h"
#include "common/hardware/topology.h"
#include "common/model/reports.h"

namespace kilonova::hardware {

std::vector<model::HostNumaCell> ToReport(const HostNumaTopology& topology);

// INVALID_ARGUMENT naming the field, for CPU sets that are none, negative amounts, ids given twice
// and beyond the bounds of model/bounds.h.
Expected<HostNumaTopology> FromReport(const std::vector<model::HostNumaCell>& cells);

}  // namespace kilonova::hardware
