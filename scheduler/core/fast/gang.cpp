// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/gang.h"

#include <algorithm>
#include <limits>

namespace kilonova::scheduler::core::fast {
namespace {

// Beyond, a gang is not worth its bits.
constexpr std::size_t kMostVariants = 32;
// Of the best hosts in the trees that are looked for at once, while ranges stay.
constexpr std::size_t kMostBest = 32;

}  // namespace

Gang::Gang(Fleet& fleet, HostPoints& points, RequestClasses& classes, GangRequest gang)
    : fleet_(fleet),
      points_(points),
      classes_(classes),
      gang_(std::move(gang)),
      weighers_(gang_.exceptions != nullptr && !gang_.exceptions->weighers.empty()
                    ? std::span<const Weighed>(gang_.exceptions->weighers)
                    : std::span<const Weighed>(gang_.of.weighers)),
      search_(points),
      told_apart_(weighers_.size()),
      seeds_(gang_.of.seeds),
      blocks_(weighers_.size()) {
  if (gang_.exceptions != nullptr) {
    for (auto& stage : gang_.exceptions->prepared.stages) {
      const bool shared = (stage.filter->Reads() & ~kSharedParts) == 0;
      if (stage.prepared && !stage.filter->OncePerRequest() && !shared) again_.push_back(&stage);
    }
  }
  variants_.push_back({&gang_.of, 0});
  for (Outsider& outsider : gang_.outsiders) {
    pending_.push_back(SetApart(outsider.host, outsider.multipliers, std::move(outsider.raw)));
  }
  StartSearch();
}

void Gang::StartSearch() {
  Query query{gang_.of.passes, gang_.of.needs, weighers_,
              gang_.of.more_needs ? &fleet_.FootprintAt(gang_.of.footprint) : nullptr};
  if (gang_.judge != nullptr && !gang_.judge->Empty()) {
    query.judge = gang_.judge;
    query.marks = gang_.judge->Marks();
  }
  search_.Start(fleet_, query);
  seek_extremes_ = true;
  best_wanted_ = 0;
  tied_in_trees_.clear();
}

std::optional<Picks> Gang::Select(Selector::TryClaim try_claim) {
  Picks picks;
  for (std::size_t i = 0; i < gang_.request.instances.size(); ++i) {
    if (!NextRound()) return std::nullopt;
    const auto host = gang_.draws != nullptr ? ClaimDrawn(i, try_claim) : Claim(i, try_claim);
    if (gave_up_) return std::nullopt;
    if (!host) return picks;
    picks.picks.push_back({*host, {}});
  }
  picks.complete = true;
  if (gang_.alternates == 0) return picks;
  if (!NextRound() || !Draw()) return std::nullopt;
  AddAlternates(picks);
  return picks;
}

bool Gang::NextRound() {
  if (started_) {
    ++round_;
    if (!JudgeAnew()) return false;
  }
  started_ = true;
  StartRound();
  return true;
}

// ---- judging

bool Gang::JudgeAnew() {
  if (again_.empty()) return true;
  for (auto* stage : again_) stage->prepared->Refresh(fleet_);
  if (!CloseTrees() || !FindVariant()) return false;
  Variant& variant = variants_[variant_];
  for (; variant.judged_until < changes_.size(); ++variant.judged_until) {
    if (!JudgeApart(changes_[variant.judged_until])) return false;
  }
  return true;
}

// An affinity that was free so far holds from the first instance on.
bool Gang::CloseTrees() {
  if (closed_) return true;
  for (auto* stage : again_) {
    if ((stage->filter->Reads() & kPlacesPart) == 0) continue;
    if (stage->prepared->Others() == Judgement::kPass) continue;
    for (const HostIndex host : stage->prepared->Named()) {
      if (!position_.contains(host)) return false;
    }
    closed_ = true;
  }
  if (!closed_) return true;
  for (Index index = 0; index < apart_.size(); ++index) {
    apart_[index].judged = 0;
    changes_.push_back(index);
  }
  return true;
}

bool Gang::FindVariant() {
  if (SameNuma(variants_[variant_].of->request.numa_topology, gang_.request.numa_topology)) {
    return true;
  }
  RequestClass* of = classes_.FindAnother(fleet_, gang_.request, gang_.of.footprint);
  if (of == nullptr) return false;
  const auto known = std::ranges::find(variants_, of, &Variant::of);
  variant_ = static_cast<std::size_t>(known - variants_.begin());
  if (known != variants_.end()) return true;
  if (variants_.size() == kMostVariants) return false;
  variants_.push_back({of, 0});
  // Whoever was apart from the start is in no change.
  for (Index index = 0; index < apart_.size(); ++index) changes_.push_back(index);
  gang_.judge->Add(*of);
  StartSearch();
  return true;
}

bool Gang::JudgeApart(Index index) {
  Apart& apart = apart_[index];
  const std::uint64_t bit = 1ULL << variant_;
  if (!apart.in_list || (apart.judged & bit) != 0) return true;
  apart.judged |= bit;
  for (const auto* stage : again_) {
    const Judgement judgement = stage->prepared->Judge(fleet_, apart.host);
    if (judgement == Judgement::kError) return false;
    if (judgement == Judgement::kPass) continue;
    Drop(index);
    return true;
  }
  return true;
}

// ---- weighing

std::vector<Range> Gang::RangesNow() {
  if (seek_extremes_ && !closed_) {
    any_in_trees_ = search_.FindExtremes(seeds_);
    if (any_in_trees_) seeds_ = search_.Extremes();
    seek_extremes_ = false;
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<Extreme> extremes(weighers_.size(), {kInfinity, -kInfinity});
  if (any_in_trees_ && !closed_) {
    for (std::size_t w = 0; w < extremes.size(); ++w) {
      extremes[w] = search_.ExtremeOf(weighers_[w]);
    }
  }
  blocks_.Widen(extremes);
  for (const auto* more : {&pending_, &full_}) {
    for (const Index index : *more) {
      if (!apart_[index].in_list) continue;
      const Raw& raw = apart_[index].since.back().second;
      for (std::size_t w = 0; w < extremes.size(); ++w) {
        extremes[w].low = std::min(extremes[w].low, raw[w]);
        extremes[w].high = std::max(extremes[w].high, raw[w]);
      }
    }
  }
  std::vector<Range> ranges;
  for (std::size_t w = 0; w < extremes.size(); ++w) {
    if (extremes[w].low > extremes[w].high) extremes[w] = {};  // nobody is left
    ranges.push_back(RangeOf(weighers_[w], extremes[w]));
  }
  return ranges;
}

void Gang::StartRound() {
  std::vector<Range> ranges = RangesNow();
  if (epochs_.empty() || ranges != Ranges()) {
    for (std::size_t w = 0; w < ranges.size(); ++w) {
      if (ranges[w].span != 0) told_apart_[w] = true;
    }
    epochs_.push_back({round_, std::move(ranges)});
    best_wanted_ = 0;
    tied_in_trees_.clear();
  }
  for (const Index index : pending_) {
    if (apart_[index].in_list) Insert(index);
  }
  pending_.clear();
}

// ---- picking

// Rounds of the same ranges have the same order of hosts in trees: those looked for in advance do.
std::span<Found> Gang::BestInTrees(std::size_t count) {
  if (closed_) return {};
  if (best_wanted_ == 0 || (best_.size() - best_taken_ < count && !best_are_all_)) {
    best_wanted_ = std::min(std::max(count, 2 * best_wanted_), std::max(kMostBest, 2 * count));
    best_taken_ = 0;
    search_.FindBest(Ranges(), best_wanted_, std::nullopt, this, best_);
    best_are_all_ = best_.size() < best_wanted_;
  }
  return std::span(best_).subspan(best_taken_);
}

std::optional<std::pair<RawBlocks::Entry, double>> Gang::BestApart() const {
  double least = -std::numeric_limits<double>::infinity();
  RawBlocks::Entry best = kNoGroup;
  blocks_.ForBest(Ranges(), points_, least, [&](RawBlocks::Entry group, double total) {
    if (apart_[groups_[group].back()].full) return;
    if (best == kNoGroup || total > least || Before(FirstOf(group), FirstOf(best))) best = group;
    least = total;
  });
  if (best == kNoGroup) return std::nullopt;
  return std::pair(best, least);
}

// The best in the trees has room; of those apart, any before it are tried first.
std::optional<HostIndex> Gang::Claim(std::size_t instance, Selector::TryClaim try_claim) {
  for (;;) {
    const auto apart = BestApart();
    const auto trees = BestInTrees(1);
    const bool tree =
        !trees.empty() &&
        (!apart || trees[0].total > apart->second ||
         (trees[0].total == apart->second && !Before(FirstOf(apart->first), trees[0].host)));
    if (tree) {
      if (!try_claim(instance, trees[0].host)) return std::nullopt;
      return PickFromTree(trees[0].host);
    }
    if (!apart) return std::nullopt;
    const Index index = groups_[apart->first].back();
    if (ClaimApart(instance, index, try_claim)) return apart_[index].host;
  }
}

bool Gang::ClaimApart(std::size_t instance, Index index, Selector::TryClaim try_claim) {
  const bool claimed = try_claim(instance, apart_[index].host);
  TakeOutOfGroup(index);
  if (claimed) {
    apart_[index].picked = true;
    NoteChange(index);
    return true;
  }
  apart_[index].full = true;
  // A draw may still come to it.
  (gang_.draws != nullptr ? pending_ : full_).push_back(index);
  return false;
}

HostIndex Gang::PickFromTree(HostIndex host) {
  const auto first = best_.begin() + static_cast<std::ptrdiff_t>(best_taken_);
  const auto at = std::ranges::find(first, best_.end(), host, &Found::host);
  if (at != best_.end() && at == first) {
    ++best_taken_;
  } else if (at != best_.end()) {
    best_.erase(at);
  }
  std::erase(tied_in_trees_, host);
  Raw raw;
  ReadUnpicked(host, raw);
  const Index index = SetApart(host, points_.MultipliersIdOf(points_.TreeOf(host)), std::move(raw));
  apart_[index].picked = true;
  points_.forest().Remove(host);
  const auto& extremes = search_.Extremes();
  seek_extremes_ = extremes.empty() || std::ranges::find(extremes, host) != extremes.end();
  NoteChange(index);
  return host;
}

void Gang::AddAlternates(Picks& picks) {
  absl::flat_hash_map<std::uint32_t, std::vector<HostIndex>> of_cell;
  for (Pick& pick : picks.picks) {
    const auto [at, added] = of_cell.try_emplace(fleet_.cell[pick.host]);
    if (added) at->second = BestForAlternates(at->first);
    pick.alternates = at->second;
  }
}

std::vector<HostIndex> Gang::BestForAlternates(std::uint32_t cell) {
  std::vector<HostIndex> hosts;
  const std::size_t most = gang_.alternates;
  for (const HostIndex host : order_) {
    if (hosts.size() == most) return hosts;
    const auto at = position_.find(host);
    const bool picked = at != position_.end() && apart_[at->second].picked;
    if (!picked && fleet_.cell[host] == cell) hosts.push_back(host);
  }
  best_.clear();
  if (!closed_) search_.FindBest(Ranges(), most, cell, this, best_);
  for (const Apart& apart : apart_) {
    if (apart.picked || !apart.in_list || fleet_.cell[apart.host] != cell) continue;
    const double total =
        TotalOf(Ranges(), points_.Multipliers(apart.multipliers), apart.since.back().second);
    best_.push_back({total, apart.host});
  }
  std::ranges::sort(best_, [this](const Found& a, const Found& b) {
    return a.total != b.total ? a.total > b.total : Before(a.host, b.host);
  });
  const std::size_t drawn = hosts.size();
  for (const Found& found : best_) {
    if (hosts.size() == most) break;
    const auto end = hosts.begin() + static_cast<std::ptrdiff_t>(drawn);
    if (std::find(hosts.begin(), end, found.host) == end) hosts.push_back(found.host);
  }
  return hosts;
}

}  // namespace kilonova::scheduler::core::fast
