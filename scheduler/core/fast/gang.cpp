// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/gang.h"

#include <algorithm>

namespace kilonova::scheduler::core::fast {

Gang::Gang(const Fleet& fleet, HostPoints& points, RequestClass& of)
    : fleet_(fleet),
      points_(points),
      of_(of),
      search_(points),
      told_apart_(of.weighers.size()),
      seeds_(of.seeds) {
  search_.Start(fleet, {of.passes, of.needs, of.weighers,
                        of.more_needs ? &fleet.FootprintAt(of.footprint) : nullptr});
}

Picks Gang::Select(std::size_t instances, std::size_t alternates, Selector::TryClaim try_claim) {
  Picks picks;
  for (std::size_t i = 0; i < instances; ++i) {
    if (!NextRound()) return picks;
    const auto host = Claim(i, try_claim);
    if (!host) return picks;
    picks.picks.push_back({*host, {}});
  }
  picks.complete = true;
  if (alternates > 0 && NextRound()) AddAlternates(alternates, picks);
  return picks;
}

// Weighs the list: the hosts with room nobody was put on, and those somebody was put on.
bool Gang::NextRound() {
  const bool any = search_.FindExtremes(seeds_);
  if (!any && picked_.empty()) return false;
  seeds_ = search_.Extremes();
  std::vector<Range> ranges;
  for (std::size_t w = 0; w < of_.weighers.size(); ++w) {
    Extreme extreme = search_.ExtremeOf(of_.weighers[w]);
    for (std::size_t i = 0; i < picked_.size(); ++i) {
      const double raw = picked_[i].since.back().second[w];
      const bool first = !any && i == 0;
      extreme.low = first ? raw : std::min(extreme.low, raw);
      extreme.high = first ? raw : std::max(extreme.high, raw);
    }
    ranges.push_back(RangeOf(of_.weighers[w], extreme));
  }
  StartRound(std::move(ranges));
  return true;
}

void Gang::StartRound(std::vector<Range> ranges) {
  if (!epochs_.empty()) ++round_;
  if (epochs_.empty() || ranges != Ranges()) {
    for (std::size_t w = 0; w < ranges.size(); ++w) {
      if (ranges[w].span != 0) told_apart_[w] = true;
    }
    epochs_.push_back({round_, std::move(ranges)});
  }
  for (Picked& picked : picked_) {
    picked.total =
        TotalOf(Ranges(), points_.Multipliers(picked.multipliers), picked.since.back().second);
  }
  const auto better = [this](std::size_t a, std::size_t b) {
    return picked_[a].total > picked_[b].total;
  };
  if (!std::ranges::is_sorted(order_, better)) std::ranges::stable_sort(order_, better);
}

bool Gang::ComesBefore(const Picked& picked, const Found& found) const {
  if (picked.total != found.total) return picked.total > found.total;
  return Before(picked.host, found.host);
}

// The best without an instance has room; of those with one, any before it are tried first.
std::optional<HostIndex> Gang::Claim(std::size_t instance, Selector::TryClaim try_claim) {
  search_.FindBest(Ranges(), 1, std::nullopt, this, best_);
  std::size_t place = 0;
  for (; place < order_.size(); ++place) {
    Picked& picked = picked_[order_[place]];
    if (!best_.empty() && !ComesBefore(picked, best_[0])) break;
    if (!try_claim(instance, picked.host)) continue;
    NoteChange(picked);
    return picked.host;
  }
  if (best_.empty() || !try_claim(instance, best_[0].host)) return std::nullopt;
  AddPicked(best_[0].host, best_[0].total, place);
  return best_[0].host;
}

void Gang::AddPicked(HostIndex host, double total, std::size_t place) {
  position_.emplace(host, picked_.size());
  order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place), picked_.size());
  Picked picked{host, points_.MultipliersIdOf(points_.TreeOf(host)), {}, total};
  picked.since.emplace_back(0, Raw());
  ReadUnpicked(host, picked.since.back().second);
  points_.forest().Remove(host);
  NoteChange(picked);
  picked_.push_back(std::move(picked));
}

// From the next round on the host is what the claim made of it.
void Gang::NoteChange(Picked& picked) const {
  Raw now;
  for (std::size_t w = 0; w < of_.weighers.size(); ++w) {
    const Weighed& weighed = of_.weighers[w];
    now.push_back(weighed.same ? weighed.constant : points_.RawOf(fleet_, w, picked.host));
  }
  picked.since.emplace_back(round_ + 1, std::move(now));
}

void Gang::ReadUnpicked(HostIndex host, Raw& raw) const {
  values_.resize(points_.forest().Values());
  points_.forest().Read(host, values_);
  raw.clear();
  for (const Weighed& weighed : of_.weighers) {
    raw.push_back(weighed.row ? values_[*weighed.row] : weighed.constant);
  }
}

// ---- the rounds before

Gang::Side Gang::SideOf(HostIndex host, Raw& scratch) const {
  const auto at = position_.find(host);
  if (at == position_.end()) {
    ReadUnpicked(host, scratch);
    return {points_.MultipliersIdOf(points_.TreeOf(host)), nullptr, 0, &scratch};
  }
  const Picked& picked = picked_[at->second];
  Side side{picked.multipliers, &picked, round_ + 1, nullptr};
  GoBack(round_, side);
  return side;
}

void Gang::GoBack(std::size_t round, Side& side) {
  if (side.since <= round) return;
  auto at = std::ranges::upper_bound(side.picked->since, round, {},
                                     [](const auto& stretch) { return stretch.first; });
  --at;
  side.since = at->first;
  side.raw = &at->second;
}

// Equal in all that ever made a difference.
bool Gang::Alike(const Side& a, const Side& b) const {
  if (a.multipliers != b.multipliers) return false;
  const auto& multipliers = points_.Multipliers(a.multipliers);
  for (std::size_t w = 0; w < multipliers.size(); ++w) {
    if ((*a.raw)[w] != (*b.raw)[w] && multipliers[w] != 0 && told_apart_[w]) return false;
  }
  return true;
}

int Gang::Compare(Side a, Side b) const {
  auto epoch = epochs_.end() - 1;
  for (;;) {
    // No round up to this one tells them apart.
    std::size_t known = std::max(a.since, b.since);
    if (!Alike(a, b)) known = std::max(known, epoch->since);
    if (known == 0) return 0;
    const std::size_t round = known - 1;
    while (epoch->since > round) --epoch;
    GoBack(round, a);
    GoBack(round, b);
    const double total_a = TotalOf(epoch->ranges, points_.Multipliers(a.multipliers), *a.raw);
    const double total_b = TotalOf(epoch->ranges, points_.Multipliers(b.multipliers), *b.raw);
    if (total_a != total_b) return total_a < total_b ? -1 : 1;
  }
}

bool Gang::Before(HostIndex a, HostIndex b) const {
  const int order = Compare(SideOf(a, scratch_a_), SideOf(b, scratch_b_));
  return order != 0 ? order > 0 : a < b;
}

// Nothing in the box was ever better than its best corner: if that comes after `b`, all does.
bool Gang::MayHaveBefore(const BoxForest::NodeView& node, std::size_t slot,
                         std::uint32_t multipliers, HostIndex b) const {
  const auto& by_weigher = points_.Multipliers(multipliers);
  scratch_a_.clear();
  for (std::size_t w = 0; w < of_.weighers.size(); ++w) {
    const Weighed& weighed = of_.weighers[w];
    const double* corner = by_weigher[w] >= 0 ? node.high : node.low;
    scratch_a_.push_back(weighed.row ? corner[*weighed.row * kChildren + slot] : weighed.constant);
  }
  const int order = Compare({multipliers, nullptr, 0, &scratch_a_}, SideOf(b, scratch_b_));
  return order != 0 ? order > 0 : node.first[slot] < b;
}

void Gang::AddAlternates(std::size_t most, Picks& picks) {
  absl::flat_hash_map<std::uint32_t, std::vector<HostIndex>> of_cell;
  for (Pick& pick : picks.picks) {
    const auto [at, added] = of_cell.try_emplace(fleet_.cell[pick.host]);
    if (added) {
      search_.FindBest(Ranges(), most, at->first, this, best_);
      for (const Found& found : best_) at->second.push_back(found.host);
    }
    pick.alternates = at->second;
  }
}

}  // namespace kilonova::scheduler::core::fast
