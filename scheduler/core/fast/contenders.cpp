// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/contenders.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace kilonova::scheduler::core::fast {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr HostIndex kNobody = UINT32_MAX;

}  // namespace

// A list of a few dozen serves as many decisions, as each takes about one host out of it; a longer
// one takes longer to find than it saves. Where the best lie all over the trees, most of the time
// goes into finding any of them, and more of them are found for little.
std::size_t Contenders::Worthwhile(const RequestClass& of) const {
  constexpr std::size_t kFew = 48, kMany = 176, kLeavesOfFew = 150;
  const std::size_t most = of.leaves_seen > kLeavesOfFew ? kMany : kFew;
  return std::clamp<std::size_t>(points_.Slots() / 64, 8, most);
}

ContenderList* Contenders::Find(RequestClass& of) {
  ++now_;
  of.came_after = of.came_at == 0 ? UINT64_MAX : now_ - of.came_at;
  of.came_at = now_;
  ContenderList& list = lists_[of.list];
  if (list.of != of.serial) return nullptr;
  if (list.judged != of.judged || list.needs != of.needs) {
    Drop(list);
    return nullptr;
  }
  list.used_at = now_;
  return &list;
}

bool Contenders::IsWorthIt(const RequestClass& of) const {
  constexpr std::size_t kOften = 48;
  return of.multipliers.has_value() && of.came_after <= std::min(Worthwhile(of), kOften);
}

ContenderList& Contenders::Take(RequestClass& of) {
  ContenderList& own = lists_[of.list];
  if (own.of == of.serial) return own;
  ContenderList& taken = *std::ranges::min_element(
      lists_, {}, [](const ContenderList& list) { return list.of == 0 ? 0 : list.used_at; });
  of.list = static_cast<std::size_t>(&taken - lists_.data());
  return taken;
}

ContenderList& Contenders::Start(RequestClass& of, Search& search) {
  ContenderList& list = Take(of);
  Drop(list);
  list.of = of.serial;
  list.judged = of.judged;
  list.used_at = now_;
  list.needs = of.needs;
  list.ranges = search.Ranges();
  SetTerms(of.weighers, list.ranges, points_.Multipliers(*of.multipliers), list.terms);
  if (of_tree_.size() < of.passes.size()) of_tree_.resize(of.passes.size());
  for (BoxForest::Tree tree = 0; tree < of.passes.size(); ++tree) {
    if (of.passes[tree] == kTreePasses) of_tree_[tree] |= BitOf(list);
  }
  if (watches_.size() < points_.Slots()) watches_.resize(points_.Slots());
  SetExtremes(list, of, search);
  return list;
}

void Contenders::Fill(ContenderList& list, std::size_t wanted, std::span<const Found> best) {
  Shorten(list, 0);
  if (!std::ranges::all_of(best, [](const Found& f) { return std::isfinite(f.total); })) {
    Drop(list);
    return;
  }
  list.best.assign(best.begin(), best.end());
  list.floor = best.size() < wanted ? Found{-kInfinity, kNobody} : best.back();
  list.most = 2 * wanted;
  for (const Found& found : best) watches_[found.host].listed |= BitOf(list);
}

void Contenders::HoldExtremes(ContenderList& list, const RequestClass& of, const Search& search) {
  for (const HostIndex host : list.found_at) {
    if (host != kNobody) watches_[host].extreme &= ~BitOf(list);
  }
  SetExtremes(list, of, search);
}

void Contenders::SetExtremes(ContenderList& list, const RequestClass& of, const Search& search) {
  const std::size_t rows = points_.Rows();
  list.low.assign(rows, -kInfinity);
  list.high.assign(rows, kInfinity);
  list.found_at.assign(2 * rows, kNobody);
  for (const Weighed& weighed : of.weighers) {
    if (!weighed.row) continue;
    const std::size_t row = *weighed.row;
    const Extreme extreme = search.ExtremeOf(weighed);
    if (!weighed.maximum) {
      list.high[row] = extreme.high;
      list.found_at[row] = search.Extremes()[row];
    }
    if (!weighed.minimum) {
      list.low[row] = extreme.low;
      list.found_at[rows + row] = search.Extremes()[rows + row];
    }
  }
  for (const HostIndex host : list.found_at) {
    if (host != kNobody) watches_[host].extreme |= BitOf(list);
  }
  list.extremes_hold = true;
}

void Contenders::Drop(ContenderList& list) {
  if (list.of == 0) return;
  const std::uint64_t others = ~BitOf(list);
  for (const Found& found : list.best) watches_[found.host].listed &= others;
  for (const HostIndex host : list.found_at) {
    if (host != kNobody) watches_[host].extreme &= others;
  }
  for (std::uint64_t& lists : of_tree_) lists &= others;
  list.best.clear();
  list.found_at.clear();
  list.of = 0;
}

// ---- hosts that change

void Contenders::Moved(HostIndex host, BoxForest::Tree tree, std::span<const double> values,
                       std::span<const std::int32_t> rooms) {
  const std::uint64_t passing = tree < of_tree_.size() ? of_tree_[tree] : 0;
  if (watches_.size() <= host) watches_.resize(points_.Slots());
  const Watch watch = watches_[host];
  for (std::uint64_t left = passing | watch.listed | watch.extreme; left != 0; left &= left - 1) {
    ContenderList& list = lists_[static_cast<std::size_t>(std::countr_zero(left))];
    const std::uint64_t bit = left & -left;
    if ((watch.listed & bit) != 0) Unlist(list, host);
    const bool passes = (passing & bit) != 0 && std::ranges::all_of(list.needs, [&](const Need& n) {
                          return rooms[n.row] >= n.amount;
                        });
    if (!passes) {
      if ((watch.extreme & bit) != 0) list.extremes_hold = false;
      continue;
    }
    Update(list, host, values);
  }
}

// Of a host that passes and is not in the list.
void Contenders::Update(ContenderList& list, HostIndex host, std::span<const double> values) {
  const std::size_t rows = list.low.size();
  const bool extreme = (watches_[host].extreme & BitOf(list)) != 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const double value = values[row];
    list.extremes_hold &= value >= list.low[row] && value <= list.high[row];
    if (!extreme) continue;
    list.extremes_hold &= list.found_at[row] != host || value == list.high[row];
    list.extremes_hold &= list.found_at[rows + row] != host || value == list.low[row];
  }
  const Found moved{SumOf(list.terms, values.data(), 1), host};
  if (!std::isfinite(moved.total)) {
    Drop(list);
    return;
  }
  if (IsBefore(list.floor, moved)) return;
  list.best.insert(std::ranges::upper_bound(list.best, moved, IsBefore), moved);
  watches_[host].listed |= BitOf(list);
  if (list.best.size() > list.most) Shorten(list, list.most / 2);
}

void Contenders::Unlist(ContenderList& list, HostIndex host) {
  list.best.erase(std::ranges::find(list.best, host, &Found::host));
  watches_[host].listed &= ~BitOf(list);
}

void Contenders::Shorten(ContenderList& list, std::size_t kept) {
  for (std::size_t i = kept; i < list.best.size(); ++i) {
    watches_[list.best[i].host].listed &= ~BitOf(list);
  }
  list.best.resize(kept);
  if (kept > 0) list.floor = list.best.back();
}

void Contenders::Gone(HostIndex host) {
  if (watches_.size() <= host) return;
  const Watch watch = watches_[host];
  for (std::uint64_t left = watch.listed | watch.extreme; left != 0; left &= left - 1) {
    ContenderList& list = lists_[static_cast<std::size_t>(std::countr_zero(left))];
    if ((watch.listed & left & -left) != 0) Unlist(list, host);
    if ((watch.extreme & left & -left) != 0) list.extremes_hold = false;
  }
}

void Contenders::Cleared() {
  for (ContenderList& list : lists_) Drop(list);
  of_tree_.clear();
}

std::size_t Contenders::MemoryBytes() const {
  std::size_t bytes = watches_.capacity() * sizeof(Watch);
  for (const ContenderList& list : lists_) bytes += list.best.capacity() * sizeof(Found);
  return bytes;
}

}  // namespace kilonova::scheduler::core::fast
