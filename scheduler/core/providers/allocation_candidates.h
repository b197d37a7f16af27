// SPDX-License-Identifier: Apache-2.0
// Placement's GET /allocation_candidates (microversion 1.39) on values: every way in which these
// providers can serve a request with what is left of their inventories.
//
//   RETURN_IF_ERROR(CheckCandidatesQuery(request));
//   for (const auto& candidate : AllocationCandidates(providers, request, 0)) ...
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/providers/provider.h"
#include "scheduler/core/resource_request/resource_request.h"

namespace kilonova::scheduler::core {

// Combinations looked at for one anchor, so that a request of many groups on a host of many
// providers ends: what is beyond is not found.
inline constexpr std::size_t kMostCombinations = 100'000;

// INVALID_ARGUMENT/FLAVOR_INVALID with detail "field" for a request Placement answers with 400: no
// group with resources, two suffixed groups and no group_policy, a trait both required and
// forbidden, a suffixed group without resources that no same_subtree names, a same_subtree that
// names no group.
Status CheckCandidatesQuery(const ResourceRequest& request);

// `request` passed the check. At most `limit` different candidates, 0 = all. In order of the
// providers, of anchors first; a candidate that takes all of a group from the anchor itself comes
// before those that do not. A trait or class no provider has is one nobody can serve, or offend
// with; Placement refuses names it does not know.
std::vector<AllocationCandidate> AllocationCandidates(std::span<const Provider> providers,
                                                      const ResourceRequest& request,
                                                      std::size_t limit);

}  // namespace kilonova::scheduler::core
