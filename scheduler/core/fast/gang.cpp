// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/gang.h"

#include <algorithm>

namespace kilonova::scheduler::core::fast {

Gang::Gang(const Fleet& fleet, HostPoints& points, RequestClass& of)
    : fleet_(fleet), points_(points), of_(of), search_(points), seeds_(of.seeds) {
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
  rounds_.push_back(std::move(ranges));
  for (Picked& picked : picked_) {
    picked.total = TotalOf(rounds_.back(), points_.Multipliers(picked.multipliers),
                           picked.since.back().second);
  }
  return true;
}

std::optional<HostIndex> Gang::Claim(std::size_t instance, Selector::TryClaim try_claim) {
  // The best without an instance has room; of those with one, any before it are tried first.
  search_.FindBest(rounds_.back(), 1, std::nullopt, this, best_);
  std::vector<Found> order;
  for (const Picked& picked : picked_) {
    const Found found{picked.total, picked.host};
    if (best_.empty() || found.total > best_[0].total ||
        (found.total == best_[0].total && Before(found.host, best_[0].host))) {
      order.push_back(found);
    }
  }
  const auto better = [this](const Found& a, const Found& b) {
    return a.total != b.total ? a.total > b.total : Before(a.host, b.host);
  };
  // Most often the first of them has room.
  for (; !order.empty(); order.pop_back()) {
    const auto top = std::ranges::min_element(order, better);
    if (try_claim(instance, top->host)) {
      const HostIndex host = top->host;
      NotePick(host);
      return host;
    }
    *top = order.back();
  }
  if (best_.empty() || !try_claim(instance, best_[0].host)) return std::nullopt;
  NotePick(best_[0].host);
  return best_[0].host;
}

void Gang::NotePick(HostIndex host) {
  const auto [at, added] = position_.try_emplace(host, picked_.size());
  if (added) {
    Picked picked{host, points_.MultipliersIdOf(points_.TreeOf(host)), {}, 0};
    picked.since.emplace_back(0, Raw());
    ReadUnpicked(host, picked.since.back().second);
    picked_.push_back(std::move(picked));
    points_.forest().Remove(host);
  }
  Raw now;
  ReadNow(host, now);
  picked_[at->second].since.emplace_back(rounds_.size(), std::move(now));
}

void Gang::ReadUnpicked(HostIndex host, Raw& raw) const {
  values_.resize(points_.forest().Values());
  points_.forest().Read(host, values_);
  raw.clear();
  for (const Weighed& weighed : of_.weighers) {
    raw.push_back(weighed.row ? values_[*weighed.row] : weighed.constant);
  }
}

void Gang::ReadNow(HostIndex host, Raw& raw) const {
  for (std::size_t w = 0; w < of_.weighers.size(); ++w) {
    raw.push_back(of_.weighers[w].same ? of_.weighers[w].constant : points_.RawOf(fleet_, w, host));
  }
}

const Gang::Picked* Gang::FindPicked(HostIndex host) const {
  const auto at = position_.find(host);
  return at == position_.end() ? nullptr : &picked_[at->second];
}

std::uint32_t Gang::MultipliersOf(HostIndex host) const {
  const Picked* picked = FindPicked(host);
  return picked != nullptr ? picked->multipliers : points_.MultipliersIdOf(points_.TreeOf(host));
}

Gang::Stretch Gang::StretchIn(std::size_t round, HostIndex host, Raw& scratch) const {
  const Picked* picked = FindPicked(host);
  if (picked == nullptr) {
    ReadUnpicked(host, scratch);
    return {0, &scratch};
  }
  auto at = picked->since.size() - 1;
  while (picked->since[at].first > round) --at;
  return {picked->since[at].first, &picked->since[at].second};
}

// Equal this round: the round before decides, and the one before that.
bool Gang::Before(HostIndex a, HostIndex b) const {
  const std::uint32_t by_a = MultipliersOf(a);
  const std::uint32_t by_b = MultipliersOf(b);
  std::size_t round = rounds_.size() - 1;
  Stretch of_a = StretchIn(round, a, scratch_a_);
  Stretch of_b = StretchIn(round, b, scratch_b_);
  while (round > 0) {
    if (by_a == by_b && *of_a.raw == *of_b.raw) {
      // Alike as long as both were as they are.
      round = std::max(of_a.since, of_b.since);
      if (round == 0) break;
    }
    --round;
    if (of_a.since > round) of_a = StretchIn(round, a, scratch_a_);
    if (of_b.since > round) of_b = StretchIn(round, b, scratch_b_);
    const double total_a = TotalOf(rounds_[round], points_.Multipliers(by_a), *of_a.raw);
    const double total_b = TotalOf(rounds_[round], points_.Multipliers(by_b), *of_b.raw);
    if (total_a != total_b) return total_a > total_b;
  }
  return a < b;
}

bool Gang::MayHaveBefore(bool one_point, std::span<const double> corner, HostIndex first,
                         HostIndex b) const {
  if (first < b || !one_point || FindPicked(b) != nullptr) return true;
  // All alike and like `b`, they were alike in every round.
  scratch_b_.resize(points_.forest().Values());
  points_.forest().Read(b, scratch_b_);
  return !std::ranges::equal(scratch_b_, corner);
}

void Gang::AddAlternates(std::size_t most, Picks& picks) {
  absl::flat_hash_map<std::uint32_t, std::vector<HostIndex>> of_cell;
  for (Pick& pick : picks.picks) {
    const auto [at, added] = of_cell.try_emplace(fleet_.cell[pick.host]);
    if (added) {
      search_.FindBest(rounds_.back(), most, at->first, this, best_);
      for (const Found& found : best_) at->second.push_back(found.host);
    }
    pick.alternates = at->second;
  }
}

}  // namespace kilonova::scheduler::core::fast
