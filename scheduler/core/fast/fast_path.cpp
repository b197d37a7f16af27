// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/fast_path.h"

#include <algorithm>

#include "scheduler/core/fast/gang.h"

namespace kilonova::scheduler::core::fast {

FastPath::FastPath(const Pipeline& pipeline, Selector& selector)
    : pipeline_(pipeline),
      selector_(selector),
      points_(pipeline),
      classes_(pipeline, points_),
      search_(points_),
      usable_(!pipeline.full_scan) {}

RequestClass* FastPath::Find(Fleet& fleet, const PlacementRequest& request) {
  if (!usable_ || !points_.Sync(fleet)) return nullptr;
  RequestClass* of = classes_.Find(fleet, request);
  if (of == nullptr) return nullptr;
  // Between instances only filters judge anew, and a draw may put any host first.
  const bool many = request.instances.size() > 1;
  if (many && (!of->once || pipeline_.host_subset_size > 1)) return nullptr;
  return of;
}

bool FastPath::OneCell(const RequestClass& of) const {
  std::optional<std::uint32_t> cell;
  for (BoxForest::Tree tree = 0; tree < of.passes.size(); ++tree) {
    if (of.passes[tree] != kTreePasses) continue;
    if (cell && *cell != points_.Cell(tree)) return false;
    cell = points_.Cell(tree);
  }
  return true;
}

Picks FastPath::Select(const Fleet& fleet, const PlacementRequest& request, RequestClass& of,
                       std::size_t alternates, Selector::TryClaim try_claim) {
  if (of.no_inventory) return {};
  if (request.instances.size() == 1) return SelectOne(fleet, of, alternates, try_claim);
  return Gang(fleet, points_, of).Select(request.instances.size(), alternates, try_claim);
}

Picks FastPath::SelectOne(const Fleet& fleet, RequestClass& of, std::size_t alternates,
                          Selector::TryClaim try_claim) {
  Picks picks;
  search_.Start(fleet, {of.passes, of.needs, of.weighers,
                        of.more_needs ? &fleet.FootprintAt(of.footprint) : nullptr});
  if (!search_.FindExtremes(of.seeds)) return picks;
  of.seeds = search_.Extremes();
  const auto& ranges = search_.Ranges();
  const bool one_cell = OneCell(of);
  const std::size_t subset = std::max<std::size_t>(pipeline_.host_subset_size, 1);
  const std::size_t wanted = std::max(subset, one_cell ? alternates + 1 : 1);
  search_.FindBest(ranges, wanted, std::nullopt, nullptr, best_);
  // As many as are to be drawn from, or all there are.
  const std::size_t chosen = selector_.DrawChosen(best_.size());
  const HostIndex host = best_[chosen].host;
  if (!try_claim(0, host)) return picks;
  picks.picks.push_back({host, {}});
  picks.complete = true;
  if (alternates == 0) return picks;
  if (!one_cell) search_.FindBest(ranges, alternates + 1, fleet.cell[host], nullptr, best_);
  for (const Found& found : best_) {
    if (found.host == host) continue;
    if (picks.picks[0].alternates.size() == alternates) break;
    picks.picks[0].alternates.push_back(found.host);
  }
  return picks;
}

}  // namespace kilonova::scheduler::core::fast
