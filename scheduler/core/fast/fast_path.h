// SPDX-License-Identifier: Apache-2.0
// Nova's select_destinations without looking at every host: the same hosts in the same order as
// Selector picks, for the requests it can be sure of; the others are Selector's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/core/fast/contenders.h"
#include "scheduler/core/fast/exceptions.h"
#include "scheduler/core/fast/gang.h"
#include "scheduler/core/fast/host_points.h"
#include "scheduler/core/fast/request_classes.h"
#include "scheduler/core/fast/search.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core::fast {

// How a request is decided.
struct Route {
  RequestClass* of = nullptr;                  // here; null: by Selector,
  std::optional<std::vector<HostIndex>> only;  // of these hosts, in order, or of all
};

class FastPath {
 public:
  // Draws among the best as `selector` would have, from the same sequence.
  FastPath(const Pipeline& pipeline, Selector& selector);

  // Good until the fleet changes. Keeps a reference to the request.
  Route Find(Fleet& fleet, const PlacementRequest& request);

  // As Selector::Select, of the request last found, of which nothing changed but what `try_claim`
  // changes of its NUMA topology. Nothing when only Selector can tell; claims made by then stay.
  std::optional<Picks> Select(Fleet& fleet, const PlacementRequest& request, const Route& route,
                              std::size_t alternates, Selector::TryClaim try_claim);

  std::size_t MemoryBytes() const { return points_.MemoryBytes() + contenders_.MemoryBytes(); }

 private:
  Route FindHard(Fleet& fleet, const PlacementRequest& request, RequestClass& of);
  bool FindMembers(const Fleet& fleet, const PlacementRequest& request, RequestClass& of);
  Query QueryOf(const Fleet& fleet, RequestClass& of);
  std::vector<Outsider> TakeOutsiders(const Fleet& fleet, RequestClass& of);
  void Offer(const Fleet& fleet, const std::vector<Outsider>& outsiders,
             std::span<const Range> ranges, std::optional<std::uint32_t> cell, std::size_t wanted);
  // Both fill best_, and tell ranges; false when no host passes. The first of a class alone, all in
  // one cell; its ranges are told where hosts are shuffled, and best_ may have more than is wanted.
  bool FindBestOfClass(RequestClass& of, std::size_t wanted, std::vector<Range>& ranges);
  bool FindBest(const Fleet& fleet, RequestClass& of, std::size_t wanted,
                std::vector<Outsider>& outsiders, std::vector<Range>& ranges);
  // Of the hosts in best_, those that are equally best and all others that are, shuffled, in tied_.
  void FindTied(const std::vector<Outsider>& outsiders, std::span<const Range> ranges);
  // Puts these first in best_, which has the `wanted` best.
  void PutTiedFirst(const Fleet& fleet, std::optional<std::uint32_t> cell, std::size_t wanted);
  Picks SelectOne(const Fleet& fleet, RequestClass& of, std::size_t alternates,
                  Selector::TryClaim try_claim);

  const Pipeline& pipeline_;
  Selector& selector_;
  HostPoints points_;
  RequestClasses classes_;
  Contenders contenders_;
  Search search_;
  RequestJudge judge_;
  std::optional<Exceptions> exceptions_;  // of the request last found
  bool usable_ = true;
  std::vector<Found> best_;  // scratch
  bool best_are_all_ = false;
  std::vector<Found> tied_;
};

}  // namespace kilonova::scheduler::core::fast
