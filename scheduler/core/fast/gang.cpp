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
}

std::optional<Picks> Gang::Select(Selector::TryClaim try_claim) {
  Picks picks;
  for (std::size_t i = 0; i < gang_.request.instances.size(); ++i) {
    if (!NextRound()) return std::nullopt;
    const auto host = Claim(i, try_claim);
    if (!host) return picks;
    picks.picks.push_back({*host, {}});
  }
  picks.complete = true;
  if (gang_.alternates == 0) return picks;
  if (!NextRound()) return std::nullopt;
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
  }
  for (const Index index : pending_) {
    if (apart_[index].in_list) Insert(index);
  }
  pending_.clear();
}

// ---- picking

// Rounds of the same ranges have the same order of hosts in trees: those looked for in advance do.
const Found* Gang::BestInTrees() {
  if (closed_) return nullptr;
  if (best_wanted_ > 0) {
    if (best_taken_ < best_.size()) return &best_[best_taken_];
    if (best_.size() < best_wanted_) return nullptr;
  }
  best_wanted_ = std::min(std::max<std::size_t>(1, 2 * best_wanted_), kMostBest);
  best_taken_ = 0;
  search_.FindBest(Ranges(), best_wanted_, std::nullopt, this, best_);
  return best_.empty() ? nullptr : best_.data();
}

std::optional<std::pair<RawBlocks::Entry, double>> Gang::BestApart() const {
  double least = -std::numeric_limits<double>::infinity();
  RawBlocks::Entry best = kNoGroup;
  const auto multipliers_of = [this](std::uint32_t id) -> const std::vector<double>& {
    return points_.Multipliers(id);
  };
  blocks_.ForBest(Ranges(), multipliers_of, least, [&](RawBlocks::Entry group, double total) {
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
    const Found* const found = BestInTrees();
    const bool tree =
        found != nullptr &&
        (!apart || found->total > apart->second ||
         (found->total == apart->second && !Before(FirstOf(apart->first), found->host)));
    if (tree) {
      if (!try_claim(instance, found->host)) return std::nullopt;
      return PickFromTree();
    }
    if (!apart) return std::nullopt;
    const Index index = groups_[apart->first].back();
    const bool claimed = try_claim(instance, apart_[index].host);
    TakeOutOfGroup(index);
    if (claimed) {
      apart_[index].picked = true;
      NoteChange(index);
      return apart_[index].host;
    }
    apart_[index].full = true;
    full_.push_back(index);
  }
}

HostIndex Gang::PickFromTree() {
  const HostIndex host = best_[best_taken_++].host;
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
    if (added) {
      best_.clear();
      if (!closed_) search_.FindBest(Ranges(), gang_.alternates, at->first, this, best_);
      for (const Apart& apart : apart_) {
        if (apart.picked || !apart.in_list || fleet_.cell[apart.host] != at->first) continue;
        const double total =
            TotalOf(Ranges(), points_.Multipliers(apart.multipliers), apart.since.back().second);
        best_.push_back({total, apart.host});
      }
      std::ranges::sort(best_, [this](const Found& a, const Found& b) {
        return a.total != b.total ? a.total > b.total : Before(a.host, b.host);
      });
      for (const Found& found : best_) {
        if (at->second.size() < gang_.alternates) at->second.push_back(found.host);
      }
    }
    pick.alternates = at->second;
  }
}

}  // namespace kilonova::scheduler::core::fast
