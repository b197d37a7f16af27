// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/fast_path.h"

#include <algorithm>

namespace kilonova::scheduler::core::fast {
namespace {

// A draw of a gang among more than these is not worth keeping them in order.
constexpr std::size_t kMostDrawn = 64;

// Says nothing of hosts by name nor of other instances, so that its class is all there is to it.
bool IsOrdinary(const PlacementRequest& request) {
  return request.hints.empty() && request.check_type == CheckType::kNone &&
         request.forced_host.empty() && request.forced_node.empty() &&
         request.ignore_hosts.empty() && !request.requested_destination && !request.instance_group;
}

std::vector<HostIndex> Sorted(std::vector<HostIndex> hosts) {
  std::ranges::sort(hosts);
  return hosts;
}

}  // namespace

FastPath::FastPath(const Pipeline& pipeline, Selector& selector)
    : pipeline_(pipeline),
      selector_(selector),
      points_(pipeline),
      classes_(pipeline, points_),
      contenders_(points_),
      search_(points_),
      judge_(classes_),
      usable_(!pipeline.full_scan) {
  points_.Tell(contenders_);
}

Route FastPath::Find(Fleet& fleet, const PlacementRequest& request) {
  exceptions_.reset();
  if (!usable_) return {};
  const bool ordinary = IsOrdinary(request);
  if (!ordinary) {
    if (auto only = HostsAskedFor(fleet, request)) return {nullptr, std::move(only)};
    if (request.check_type == CheckType::kRebuild) return {};
  }
  const bool many = request.instances.size() > 1;
  if (many && pipeline_.host_subset_size > kMostDrawn) return {};
  if (!points_.Sync(fleet)) return {};
  RequestClass* of = classes_.Find(fleet, request);
  if (of == nullptr) return {};
  // What some take of what is shared may leave nothing for others that are judged after.
  const ProviderTrees& trees = fleet.provider_trees();
  if (of->providers && trees.AnyShared() && (many || !of->one_cell) &&
      !trees.SharedHaveRoom(fleet.FootprintAt(of->footprint).resources,
                            static_cast<std::int64_t>(request.instances.size()) + 1)) {
    return {};
  }
  if (ordinary && of->own.empty()) return {of, {}};
  return FindHard(fleet, request, *of);
}

Route FastPath::FindHard(Fleet& fleet, const PlacementRequest& request, RequestClass& of) {
  exceptions_.emplace();
  judge_.Start(fleet, of);
  for (const auto& name : request.ignore_hosts) {
    for (const HostIndex host : fleet.FindAnyCase(name)) judge_.LeaveOut(host);
  }
  const bool many = request.instances.size() > 1;
  const bool places =
      request.instance_group || !request.hints.empty() || request.requested_destination.has_value();
  if (!places && !(many && !of.own.empty())) return {&of, {}};
  auto prepared = Prepare(pipeline_, fleet, request);
  if (!prepared.ok()) return {};
  std::optional<std::vector<HostIndex>> only;
  for (const auto& stage : prepared->stages) {
    if (!stage.prepared || (stage.filter->Reads() & kPlacesPart) == 0) continue;
    auto named = Sorted(stage.prepared->Named());
    if (stage.prepared->Others() == Judgement::kPass) {
      for (const HostIndex host : named) {
        if (stage.prepared->Judge(fleet, host) != Judgement::kPass) judge_.LeaveOut(host);
      }
    } else if (only) {
      std::erase_if(*only,
                    [&](HostIndex host) { return !std::ranges::binary_search(named, host); });
    } else {
      only = std::move(named);
    }
  }
  if (only) {
    std::erase_if(*only, [&](HostIndex host) { return !fleet.Present(host); });
    return {nullptr, std::move(only)};
  }
  if (!FindMembers(fleet, request, of)) return {};
  // One of them that is somewhere already is judged by itself, unlike the others.
  if (many && request.instance_group && !fleet.PlacesOf(request.instances).empty()) return {};
  exceptions_->prepared = *std::move(prepared);
  return {&of, {}};
}

// Which weighers count members, and who they are.
bool FastPath::FindMembers(const Fleet& fleet, const PlacementRequest& request, RequestClass& of) {
  exceptions_->weighers = of.weighers;
  exceptions_->per_member.assign(of.weighers.size(), 0.0);
  for (std::size_t w = 0; w < of.weighers.size(); ++w) {
    const Weigher& weigher = *pipeline_.weighers[w];
    const WeigherScope scope = weigher.Scope(request);
    if (scope == WeigherScope::kAnything) return false;
    if (scope != WeigherScope::kMembers) continue;
    exceptions_->per_member[w] = weigher.PerMember();
    exceptions_->weighers[w].same = false;
    if (!exceptions_->members) exceptions_->members.emplace(fleet, request);
  }
  return true;
}

Query FastPath::QueryOf(const Fleet& fleet, RequestClass& of) {
  Query query{of.passes, of.needs, of.weighers,
              of.more_needs ? &fleet.FootprintAt(of.footprint) : nullptr};
  if (!exceptions_) return query;
  if (!exceptions_->weighers.empty()) query.weighers = exceptions_->weighers;
  if (judge_.Empty()) return query;
  query.judge = &judge_;
  query.marks = judge_.Marks();
  return query;
}

std::optional<Picks> FastPath::Select(Fleet& fleet, const PlacementRequest& request,
                                      const Route& route, std::size_t alternates,
                                      Selector::TryClaim try_claim) {
  RequestClass& of = *route.of;
  if (of.no_inventory) return Picks();
  if (request.instances.size() == 1) return SelectOne(fleet, of, alternates, try_claim);
  search_.Start(fleet, QueryOf(fleet, of));
  Exceptions* const exceptions = exceptions_ ? &*exceptions_ : nullptr;
  const bool draws = pipeline_.shuffle_best || pipeline_.host_subset_size > 1;
  std::optional<Selector::Draws> before;
  if (draws) before = selector_.draws();
  auto picks = Gang(fleet, points_, classes_,
                    {.request = request,
                     .of = of,
                     .exceptions = exceptions,
                     .judge = exceptions != nullptr ? &judge_ : nullptr,
                     .outsiders = TakeOutsiders(fleet, of),
                     .alternates = alternates,
                     .draws = draws ? &selector_ : nullptr,
                     .subset = std::max<std::size_t>(pipeline_.host_subset_size, 1),
                     .shuffles = pipeline_.shuffle_best})
                   .Select(try_claim);
  if (!picks && before) selector_.SetDraws(*before);
  return picks;
}

// The hosts that have members pass out of what is searched, to be weighed one by one.
std::vector<Outsider> FastPath::TakeOutsiders(const Fleet& fleet, RequestClass& of) {
  std::vector<Outsider> outsiders;
  if (!exceptions_ || !exceptions_->members) return outsiders;
  for (const auto& [host, members] : exceptions_->members->Counts()) {
    if (!search_.Passes(host)) continue;
    Outsider outsider{host, points_.MultipliersIdOf(points_.TreeOf(host)), {}};
    for (std::size_t w = 0; w < of.weighers.size(); ++w) {
      const Weighed& weighed = exceptions_->weighers[w];
      double raw = weighed.constant;
      if (exceptions_->per_member[w] != 0) {
        raw = static_cast<double>(members) * exceptions_->per_member[w];
        points_.Clamp(w, {&raw, 1});
      } else if (!weighed.same) {
        raw = points_.RawOf(fleet, w, host);
      }
      outsider.raw.push_back(raw);
    }
    outsiders.push_back(std::move(outsider));
  }
  for (const Outsider& outsider : outsiders) judge_.LeaveOut(outsider.host);
  std::ranges::sort(outsiders, {}, &Outsider::host);
  return outsiders;
}

// Puts outsiders among the best.
void FastPath::Offer(const Fleet& fleet, const std::vector<Outsider>& outsiders,
                     std::span<const Range> ranges, std::optional<std::uint32_t> cell,
                     std::size_t wanted) {
  if (outsiders.empty()) return;
  for (const Outsider& outsider : outsiders) {
    if (cell && fleet.cell[outsider.host] != *cell) continue;
    best_.push_back(
        {TotalOf(ranges, points_.Multipliers(outsider.multipliers), outsider.raw), outsider.host});
  }
  std::ranges::sort(best_, [](const Found& a, const Found& b) {
    return a.total != b.total ? a.total > b.total : a.host < b.host;
  });
  if (best_.size() > wanted) best_.resize(wanted);
}

// As many of the best of a class as are wanted, or all there are.
bool FastPath::FindBestOfClass(RequestClass& of, std::size_t wanted, std::vector<Range>& ranges) {
  ContenderList* list = contenders_.Find(of);
  if (list == nullptr || !list->extremes_hold) {
    if (!search_.FindExtremes(of.seeds)) return false;
    of.seeds = search_.Extremes();
    if (list != nullptr && list->ranges == search_.Ranges()) {
      contenders_.HoldExtremes(*list, of, search_);
    } else {
      list = nullptr;
    }
  }
  const bool shuffles = pipeline_.shuffle_best;
  if (shuffles) ranges = list != nullptr ? list->ranges : search_.Ranges();
  if (list != nullptr && (list->best.size() >= wanted || list->HasAll())) {
    const std::size_t found = shuffles ? list->best.size() : std::min(wanted, list->best.size());
    best_.assign(list->best.begin(), list->best.begin() + static_cast<std::ptrdiff_t>(found));
    best_are_all_ = list->HasAll();
    return !best_.empty();
  }
  if (!contenders_.IsWorthIt(of)) {
    search_.FindBest(list != nullptr ? list->ranges : search_.Ranges(), wanted, std::nullopt,
                     nullptr, best_);
    best_are_all_ = best_.size() < wanted;
    return true;
  }
  if (list == nullptr) list = &contenders_.Start(of, search_);
  const std::size_t most = std::max(wanted, contenders_.Worthwhile(of));
  search_.FindBest(list->ranges, most, std::nullopt, nullptr, best_);
  of.leaves_seen = search_.LeavesSeen();
  contenders_.Fill(*list, most, best_);
  best_are_all_ = best_.size() < most;
  if (best_.size() > wanted && !shuffles) best_.resize(wanted);
  return true;
}

bool FastPath::FindBest(const Fleet& fleet, RequestClass& of, std::size_t wanted,
                        std::vector<Outsider>& outsiders, std::vector<Range>& ranges) {
  outsiders = TakeOutsiders(fleet, of);
  if (!outsiders.empty()) search_.Start(fleet, QueryOf(fleet, of));
  const bool any = search_.FindExtremes(of.seeds);
  if (!any && outsiders.empty()) return false;
  if (any) of.seeds = search_.Extremes();
  ranges = search_.Ranges();
  for (std::size_t w = 0; w < ranges.size() && !outsiders.empty(); ++w) {
    const Weighed& weighed = exceptions_->weighers[w];
    Extreme extreme =
        any ? search_.ExtremeOf(weighed) : Extreme{outsiders[0].raw[w], outsiders[0].raw[w]};
    for (const Outsider& outsider : outsiders) {
      extreme.low = std::min(extreme.low, outsider.raw[w]);
      extreme.high = std::max(extreme.high, outsider.raw[w]);
    }
    ranges[w] = RangeOf(weighed, extreme);
  }
  search_.FindBest(ranges, wanted, std::nullopt, nullptr, best_);
  Offer(fleet, outsiders, ranges, std::nullopt, wanted);
  best_are_all_ = best_.size() < wanted;
  return true;
}

void FastPath::FindTied(const std::vector<Outsider>& outsiders, std::span<const Range> ranges) {
  const double total = best_[0].total;
  tied_.clear();
  if (best_are_all_ || best_.back().total != total) {
    const auto end = std::ranges::find_if(best_, [&](const Found& f) { return f.total != total; });
    tied_.assign(best_.begin(), end);
  } else {
    std::vector<HostIndex> hosts;
    search_.FindTied(ranges, total, hosts);
    for (const Outsider& outsider : outsiders) {
      const auto& multipliers = points_.Multipliers(outsider.multipliers);
      if (TotalOf(ranges, multipliers, outsider.raw) == total) hosts.push_back(outsider.host);
    }
    if (!outsiders.empty()) std::ranges::sort(hosts);
    tied_.reserve(hosts.size());
    for (const HostIndex host : hosts) tied_.push_back({total, host});
  }
  selector_.Shuffle(std::span(tied_));
}

void FastPath::PutTiedFirst(const Fleet& fleet, std::optional<std::uint32_t> cell,
                            std::size_t wanted) {
  const double total = tied_[0].total;
  std::vector<Found> first;
  for (const Found& found : tied_) {
    if (first.size() == wanted) break;
    if (!cell || fleet.cell[found.host] == *cell) first.push_back(found);
  }
  std::erase_if(best_, [&](const Found& found) { return found.total == total; });
  best_.insert(best_.begin(), first.begin(), first.end());
  if (best_.size() > wanted) best_.resize(wanted);
}

Picks FastPath::SelectOne(const Fleet& fleet, RequestClass& of, std::size_t alternates,
                          Selector::TryClaim try_claim) {
  Picks picks;
  search_.Start(fleet, QueryOf(fleet, of));
  std::vector<Outsider> outsiders;
  std::vector<Range> ranges;
  const std::size_t subset = std::max<std::size_t>(pipeline_.host_subset_size, 1);
  const std::size_t wanted = std::max(subset, of.one_cell ? alternates + 1 : 1);
  const bool of_class = of.one_cell && !exceptions_ && !of.more_needs;
  if (of_class ? !FindBestOfClass(of, wanted, ranges)
               : !FindBest(fleet, of, wanted, outsiders, ranges)) {
    return picks;
  }
  if (pipeline_.shuffle_best) {
    FindTied(outsiders, ranges);
    PutTiedFirst(fleet, std::nullopt, wanted);
  }
  // As many as are to be drawn from, or all there are.
  const std::size_t chosen = selector_.DrawChosen(best_.size());
  const HostIndex host = best_[chosen].host;
  if (!try_claim(0, host)) return picks;
  picks.picks.push_back({host, {}});
  picks.complete = true;
  if (alternates == 0) return picks;
  if (!of.one_cell) {
    const std::uint32_t cell = fleet.cell[host];
    search_.FindBest(ranges, alternates + 1, cell, nullptr, best_);
    Offer(fleet, outsiders, ranges, cell, alternates + 1);
    if (pipeline_.shuffle_best) PutTiedFirst(fleet, cell, alternates + 1);
  }
  for (const Found& found : best_) {
    if (found.host == host) continue;
    if (picks.picks[0].alternates.size() == alternates) break;
    picks.picks[0].alternates.push_back(found.host);
  }
  return picks;
}

}  // namespace kilonova::scheduler::core::fast
