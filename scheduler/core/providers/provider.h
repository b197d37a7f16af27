// SPDX-License-Identifier: Apache-2.0
// Placement's resource providers as values: a host is a tree of them, a storage pool that shares
// its disk with hosts of an aggregate is one of its own.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/resources.h"
#include "scheduler/core/resource_request/request_group.h"

namespace kilonova::scheduler::core {

// A root provider with it serves other trees that have an aggregate in common with it.
inline constexpr std::string_view kSharesViaAggregate = "MISC_SHARES_VIA_AGGREGATE";

struct Provider {
  std::string uuid;    // unique
  std::string parent;  // uuid of the provider it is nested in; "" = a root
  model::Inventories inventories;
  TraitNames traits;
  std::set<std::string> aggregates;  // uuids
  model::Resources used;             // by allocations
};

// (provider, resource class) -> amount: what is written down of a claim.
using Allocations = std::map<std::pair<std::string, std::string>, std::int64_t>;

// One way to serve a request.
struct AllocationCandidate {
  std::string anchor;  // uuid of the root the request is served from, shared resources besides
  Allocations allocations;
  std::map<std::string, std::set<std::string>> mappings;  // suffix -> providers that serve it

  // As Placement tells candidates apart: the anchor does not count.
  friend bool operator==(const AllocationCandidate& a, const AllocationCandidate& b) {
    return a.allocations == b.allocations && a.mappings == b.mappings;
  }
};

}  // namespace kilonova::scheduler::core
