// SPDX-License-Identifier: Apache-2.0
// The hosts a gang keeps apart, what they were in each round, and the order that follows from it.
#include <algorithm>

#include "scheduler/core/fast/gang.h"

namespace kilonova::scheduler::core::fast {

// ---- hosts apart

Gang::Index Gang::SetApart(HostIndex host, std::uint32_t multipliers, Raw raw) {
  const auto index = static_cast<Index>(apart_.size());
  position_.emplace(host, index);
  Apart& apart = apart_.emplace_back();
  apart.host = host;
  apart.multipliers = multipliers;
  apart.since.emplace_back(0, std::move(raw));
  return index;
}

// From the next round on the host is what the claim made of it.
void Gang::NoteChange(Index index) {
  Apart& apart = apart_[index];
  auto* const exceptions = gang_.exceptions;
  if (exceptions != nullptr && exceptions->members) exceptions->members->Refresh(fleet_);
  Raw now;
  now.reserve(weighers_.size());
  for (std::size_t w = 0; w < weighers_.size(); ++w) {
    const bool counts =
        exceptions != nullptr && exceptions->members.has_value() && exceptions->per_member[w] != 0;
    if (counts) {
      double raw =
          static_cast<double>(exceptions->members->On(apart.host)) * exceptions->per_member[w];
      points_.Clamp(w, {&raw, 1});
      now.push_back(raw);
    } else {
      now.push_back(weighers_[w].same ? weighers_[w].constant
                                      : points_.RawOf(fleet_, w, apart.host));
    }
  }
  apart.since.emplace_back(round_ + 1, std::move(now));
  apart.judged = 0;
  changes_.push_back(index);
  pending_.push_back(index);
}

// What has no multiplier on any host never counts; what has one on some makes their ranges.
Gang::Raw Gang::KeyOf(const Apart& apart) const {
  Raw key = apart.since.back().second;
  for (std::size_t w = 0; w < key.size(); ++w) {
    if (!points_.Counts(w)) key[w] = 0;
  }
  key.push_back(static_cast<double>(apart.multipliers));
  key.push_back(apart.full ? 1 : 0);
  return key;
}

// Into the group of those it is alike with from this round on, at the place the rounds before give
// it; hosts of a group keep their order as long as they are alike.
void Gang::Insert(Index index) {
  Apart& apart = apart_[index];
  const auto [at, added] = group_of_.try_emplace(KeyOf(apart), kNoGroup);
  if (added) {
    at->second = blocks_.Add(apart.multipliers, apart.since.back().second);
    if (groups_.size() < blocks_.Entries()) groups_.resize(blocks_.Entries());
  }
  apart.group = at->second;
  auto& group = groups_[apart.group];
  const auto place = std::partition_point(group.begin(), group.end(), [&](Index other) {
    return Before(apart.host, apart_[other].host);
  });
  group.insert(place, index);
}

void Gang::TakeOutOfGroup(Index index) {
  Apart& apart = apart_[index];
  if (apart.group == kNoGroup) return;
  auto& group = groups_[apart.group];
  group.erase(std::find(group.rbegin(), group.rend(), index).base() - 1);
  if (group.empty()) {
    blocks_.Remove(apart.group);
    group_of_.erase(KeyOf(apart));
  }
  apart.group = kNoGroup;
}

void Gang::Drop(Index index) {
  TakeOutOfGroup(index);
  apart_[index].in_list = false;
}

void Gang::ReadUnpicked(HostIndex host, Raw& raw) const {
  values_.resize(points_.forest().Values());
  points_.forest().Read(host, values_);
  raw.clear();
  for (const Weighed& weighed : weighers_) {
    raw.push_back(weighed.row ? values_[*weighed.row] : weighed.constant);
  }
}

// ---- order

Gang::Side Gang::SideOf(HostIndex host, Raw& scratch) const {
  const auto at = position_.find(host);
  if (at == position_.end()) {
    ReadUnpicked(host, scratch);
    return {host, points_.MultipliersIdOf(points_.TreeOf(host)), nullptr, 0, &scratch};
  }
  const Apart& apart = apart_[at->second];
  Side side{host, apart.multipliers, &apart, round_ + 1, nullptr};
  GoBack(round_, side);
  return side;
}

void Gang::GoBack(std::size_t round, Side& side) {
  if (side.since <= round) return;
  auto at = std::ranges::upper_bound(side.apart->since, round, {},
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
  for (std::size_t until = round_;;) {
    // No round from this one on tells them apart.
    std::size_t known = std::max(a.since, b.since);
    if (!Alike(a, b)) known = std::max(known, epoch->since);
    if (gang_.draws != nullptr) known = std::max(known, LastDraw(a, b, until));
    if (known == 0) return 0;
    const std::size_t round = known - 1;
    while (epoch->since > round) --epoch;
    GoBack(round, a);
    GoBack(round, b);
    if (const int first = DrawnFirst(round, a, b); first != 0) return first;
    const double total_a = TotalOf(epoch->ranges, points_.Multipliers(a.multipliers), *a.raw);
    const double total_b = TotalOf(epoch->ranges, points_.Multipliers(b.multipliers), *b.raw);
    if (total_a != total_b) return total_a < total_b ? -1 : 1;
    if (gang_.shuffles) {
      const auto place_a = PlaceIn(round, a.host);
      const auto place_b = PlaceIn(round, b.host);
      if (place_a && place_b) return *place_a < *place_b ? 1 : -1;
    }
    until = round;
  }
}

bool Gang::Before(HostIndex a, HostIndex b) const {
  const int order = Compare(SideOf(a, scratch_a_), SideOf(b, scratch_b_));
  return order != 0 ? order > 0 : a < b;
}

// Nothing in the box was ever better than its best corner: if that comes after `b`, all does.
bool Gang::MayHaveBefore(const BoxForest::NodeView& node, std::size_t slot,
                         std::uint32_t multipliers, HostIndex b) const {
  // Some host in it may have been shuffled with this one.
  if (gang_.shuffles && (PlaceIn(tied_round_, b) || stood_.contains(b))) return true;
  const auto& by_weigher = points_.Multipliers(multipliers);
  scratch_a_.clear();
  for (std::size_t w = 0; w < weighers_.size(); ++w) {
    const Weighed& weighed = weighers_[w];
    const double* corner = by_weigher[w] >= 0 ? node.high : node.low;
    scratch_a_.push_back(weighed.row ? corner[*weighed.row * kChildren + slot] : weighed.constant);
  }
  const int order = Compare({kCorner, multipliers, nullptr, 0, &scratch_a_}, SideOf(b, scratch_b_));
  return order != 0 ? order > 0 : node.first[slot] < b;
}

}  // namespace kilonova::scheduler::core::fast
