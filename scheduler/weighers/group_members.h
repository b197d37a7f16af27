// SPDX-License-Identifier: Apache-2.0
// How many members of a request's server group a host holds.
#pragma once

#include <span>

#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::weighers {

bool HasGroupOf(const core::PlacementRequest& request, std::string_view policy);
// raw[i] = `factor` times the members on hosts[i]; 0 unless the group has that policy.
void WeighMembers(const core::Fleet& fleet, const core::PlacementRequest& request,
                  std::string_view policy, double factor, std::span<const core::HostIndex> hosts,
                  std::span<double> raw);

}  // namespace kilonova::scheduler::weighers
