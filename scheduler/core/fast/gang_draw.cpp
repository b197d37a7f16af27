// SPDX-License-Identifier: Apache-2.0
// Draws of a gang: one of the best hosts is taken, once those that are equally best are shuffled.
// What is drawn comes first in the order the next round starts with.
#include <algorithm>
#include <limits>

#include "scheduler/core/fast/gang.h"

namespace kilonova::scheduler::core::fast {
namespace {

// Beyond, keeping hosts in order costs more than a look at all of them.
constexpr std::size_t kMostNewcomers = 1U << 13U;
constexpr std::size_t kMostStands = 1U << 17U;

}  // namespace

// ---- a round

bool Gang::Draw() {
  if (gang_.draws == nullptr) return true;
  order_.clear();
  drawn_.reset();
  const std::vector<Found> first = FindFirst(gang_.subset);
  if (first.empty()) return true;
  std::vector<HostIndex> tied;
  if (gang_.shuffles) tied = FindTied(first[0].total);
  if (tied.size() > 1) {
    if (!PutInOrder(tied)) return false;
    gang_.draws->Shuffle(std::span(tied));
  }
  order_ = tied;
  for (const Found& found : first) {
    if (tied.empty() || found.total != first[0].total) order_.push_back(found.host);
  }
  const std::size_t chosen = gang_.draws->DrawChosen(order_.size());
  if (chosen > 0) PutFirst(chosen, tied);
  if (tied.size() > 1) KeepOrder(std::move(tied));
  return true;
}

std::optional<HostIndex> Gang::ClaimDrawn(std::size_t instance, Selector::TryClaim try_claim) {
  if (!Draw()) {
    gave_up_ = true;
    return std::nullopt;
  }
  for (const HostIndex host : order_) {
    const auto at = position_.find(host);
    if (at == position_.end()) {
      if (!try_claim(instance, host)) return std::nullopt;
      PickFromTree(host);
      if (drawn_ == host) apart_.back().drawn.push_back(round_);
      return host;
    }
    const Index index = at->second;
    if (!apart_[index].full && ClaimApart(instance, index, try_claim)) return host;
  }
  return Claim(instance, try_claim);
}

// The best hosts, with room or without, in order.
std::vector<Found> Gang::FindFirst(std::size_t count) {
  std::vector<Found> first;
  const auto offer = [&](const Found& found) {
    auto at = first.end();
    while (at != first.begin()) {
      const Found& other = *(at - 1);
      const bool before =
          found.total != other.total ? found.total > other.total : Before(found.host, other.host);
      if (!before) break;
      --at;
    }
    if (at == first.end() && first.size() == count) return false;
    first.insert(at, found);
    if (first.size() > count) first.pop_back();
    return true;
  };
  double least = -std::numeric_limits<double>::infinity();
  blocks_.ForBest(Ranges(), points_, least, [&](RawBlocks::Entry group, double total) {
    const auto& members = groups_[group];
    for (auto at = members.rbegin(); at != members.rend(); ++at) {
      if (!offer({total, apart_[*at].host})) break;
    }
    if (first.size() == count) least = first.back().total;
  });
  for (const Found& found : BestInTrees(count)) {
    if (!offer(found)) break;
  }
  return first;
}

// All hosts of that total, the greatest there is.
std::vector<HostIndex> Gang::FindTied(double total) {
  std::vector<HostIndex> tied;
  const auto trees = BestInTrees(1);
  if (!trees.empty() && trees[0].total == total) {
    if (tied_in_trees_.empty() && (best_are_all_ || trees.back().total != total)) {
      for (const Found& found : trees) {
        if (found.total == total) tied_in_trees_.push_back(found.host);
      }
    } else if (tied_in_trees_.empty()) {
      search_.FindTied(Ranges(), total, tied_in_trees_);
    }
    tied = tied_in_trees_;
  }
  tied_groups_.clear();
  blocks_.ForBest(Ranges(), points_, total, [&](RawBlocks::Entry group, double of_group) {
    if (of_group != total) return;
    tied_groups_.push_back(group);
    for (const Index index : groups_[group]) tied.push_back(apart_[index].host);
  });
  return tied;
}

// As the rounds before left them.
bool Gang::PutInOrder(std::vector<HostIndex>& tied) {
  place_.resize(fleet_.Slots());
  next_place_.resize(fleet_.Slots());
  for (std::size_t i = 0; i < tied.size(); ++i) {
    next_place_[tied[i]] = static_cast<std::uint32_t>(i);
  }
  std::vector<HostIndex> again, left, newcomers;
  for (const HostIndex host : tied_) {
    const std::uint32_t place = next_place_[host];
    const bool is_tied = place < tied.size() && tied[place] == host;
    if (!is_tied) left.push_back(host);
    if (is_tied && StandsAsShuffled(host)) again.push_back(host);
  }
  for (const HostIndex host : tied) {
    if (!PlaceIn(tied_round_, host) || !StandsAsShuffled(host)) newcomers.push_back(host);
  }
  if (round_ > 0 && newcomers.size() > kMostNewcomers) return false;
  const auto before = [this](HostIndex a, HostIndex b) {
    return round_ == 0 ? a < b : Before(a, b);
  };
  std::ranges::sort(newcomers, before);
  tied.clear();
  std::ranges::merge(again, newcomers, std::back_inserter(tied), before);
  // Of two shuffled then, one of which is shuffled now, this round tells more.
  if (left.size() < 2) return true;
  stands_ += left.size();
  if (stands_ > kMostStands) return false;
  for (const HostIndex host : left) stood_[host].push_back({tied_round_, place_[host]});
  return true;
}

// Whether nothing came between since the last shuffle, which it was part of: no round of other
// ranges than that one's or this one's, no change of the host, no draw of it.
bool Gang::StandsAsShuffled(HostIndex host) const {
  const std::size_t epochs = epochs_.size();
  const std::size_t since = epochs > 1 ? epochs_[epochs - 2].since : 0;
  if (tied_round_ < since) return false;
  const auto at = position_.find(host);
  if (at == position_.end()) return true;
  const Apart& apart = apart_[at->second];
  return apart.since.back().first <= tied_round_ &&
         (apart.drawn.empty() || apart.drawn.back() <= tied_round_);
}

void Gang::PutFirst(std::size_t chosen, std::vector<HostIndex>& tied) {
  const auto end = static_cast<std::ptrdiff_t>(chosen) + 1;
  std::rotate(order_.begin(), order_.begin() + end - 1, order_.begin() + end);
  if (chosen < tied.size()) std::rotate(tied.begin(), tied.begin() + end - 1, tied.begin() + end);
  drawn_ = order_[0];
  const auto at = position_.find(*drawn_);
  if (at == position_.end()) return;
  Apart& apart = apart_[at->second];
  apart.drawn.push_back(round_);
  // It comes first of those it is alike with.
  if (!apart.full) return;
  TakeOutOfGroup(at->second);
  pending_.push_back(at->second);
}

void Gang::KeepOrder(std::vector<HostIndex> tied) {
  tied_ = std::move(tied);
  tied_round_ = round_;
  for (std::size_t i = 0; i < tied_.size(); ++i) place_[tied_[i]] = static_cast<std::uint32_t>(i);
  for (const RawBlocks::Entry group : tied_groups_) {
    std::ranges::sort(groups_[group], std::greater(),
                      [this](Index index) { return place_[apart_[index].host]; });
  }
  // Those found in advance come in this order from now on.
  auto found = best_.begin() + static_cast<std::ptrdiff_t>(best_taken_);
  if (closed_ || tied_in_trees_.empty() || found == best_.end()) return;
  const double total = found->total;
  for (const HostIndex host : tied_) {
    if (found == best_.end() || found->total != total) return;
    if (!position_.contains(host)) (found++)->host = host;
  }
}

// ---- order

std::optional<std::uint32_t> Gang::PlaceIn(std::size_t round, HostIndex host) const {
  if (host == kCorner) return std::nullopt;
  if (round == tied_round_) {
    if (host >= place_.size()) return std::nullopt;
    const std::uint32_t place = place_[host];
    if (place < tied_.size() && tied_[place] == host) return place;
    return std::nullopt;
  }
  const auto stood = stood_.find(host);
  if (stood == stood_.end()) return std::nullopt;
  const auto at = std::ranges::lower_bound(stood->second, round, {}, &Stood::round);
  if (at == stood->second.end() || at->round != round) return std::nullopt;
  return at->place;
}

int Gang::DrawnFirst(std::size_t round, const Side& a, const Side& b) {
  const auto drawn = [round](const Side& side) {
    return side.apart != nullptr && std::ranges::binary_search(side.apart->drawn, round);
  };
  return drawn(a) ? 1 : drawn(b) ? -1 : 0;
}

// One more than the last round before `until` whose draw put one of them first or shuffled both; 0:
// none did.
std::size_t Gang::LastDraw(const Side& a, const Side& b, std::size_t until) const {
  std::size_t last = 0;
  for (const Side* side : {&a, &b}) {
    if (side->apart == nullptr) continue;
    const auto& drawn = side->apart->drawn;
    const auto end = std::ranges::lower_bound(drawn, until);
    if (end != drawn.begin()) last = std::max(last, *(end - 1) + 1);
  }
  if (!gang_.shuffles || a.host == kCorner || b.host == kCorner) return last;
  if (tied_round_ < until && PlaceIn(tied_round_, a.host) && PlaceIn(tied_round_, b.host)) {
    return std::max(last, tied_round_ + 1);
  }
  const auto of_a = stood_.find(a.host);
  const auto of_b = stood_.find(b.host);
  if (of_a == stood_.end() || of_b == stood_.end()) return last;
  for (auto i = of_a->second.rbegin(), j = of_b->second.rbegin();
       i != of_a->second.rend() && j != of_b->second.rend();) {
    if (i->round == j->round && i->round < until) return std::max(last, i->round + 1);
    if (i->round >= j->round) {
      ++i;
    } else {
      ++j;
    }
  }
  return last;
}

}  // namespace kilonova::scheduler::core::fast
