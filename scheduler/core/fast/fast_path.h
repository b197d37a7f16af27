// SPDX-License-Identifier: Apache-2.0
// Nova's select_destinations without looking at every host: the same hosts in the same order as
// Selector picks, for the requests it can be sure of; the others are Selector's.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/fast/host_points.h"
#include "scheduler/core/fast/request_classes.h"
#include "scheduler/core/fast/search.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core::fast {

class FastPath {
 public:
  // Draws among the best as `selector` would have, from the same sequence.
  FastPath(const Pipeline& pipeline, Selector& selector);

  // Null when the request is not one for here. Good until the fleet changes.
  RequestClass* Find(Fleet& fleet, const PlacementRequest& request);

  // As Selector::Select, of a request of class `of`. `try_claim` changes the fleet.
  Picks Select(const Fleet& fleet, const PlacementRequest& request, RequestClass& of,
               std::size_t alternates, Selector::TryClaim try_claim);

  std::size_t MemoryBytes() const { return points_.MemoryBytes(); }

 private:
  Picks SelectOne(const Fleet& fleet, RequestClass& of, std::size_t alternates,
                  Selector::TryClaim try_claim);
  bool OneCell(const RequestClass& of) const;

  const Pipeline& pipeline_;
  Selector& selector_;
  HostPoints points_;
  RequestClasses classes_;
  Search search_;
  bool usable_ = true;
  std::vector<Found> best_;  // scratch
};

}  // namespace kilonova::scheduler::core::fast
