// SPDX-License-Identifier: Apache-2.0
// Which hosts count, and the extremes among them.
#include "scheduler/core/fast/search.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace kilonova::scheduler::core::fast {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

bool Search::TreeCounts(BoxForest::Tree tree, BoxForest::Ref root) const {
  return root != BoxForest::kNil && query_.passes[tree] == kTreePasses &&
         (!cell_ || points_.Cell(tree) == *cell_);
}

bool Search::Passes(HostIndex host) const {
  if (host >= fleet_->Slots() || !forest_->Contains(host)) return false;
  if (query_.passes[points_.TreeOf(host)] != kTreePasses) return false;
  return std::ranges::all_of(query_.needs,
                             [&](const Need& need) {
                               // Of hardware the judge knows better.
                               if (need.row >= points_.ClassRows()) return true;
                               const auto id = static_cast<std::uint32_t>(need.row) + 1;
                               return fleet_->Class(id).units[host].room >= need.amount;
                             }) &&
         Accepts(host);
}

// ---- extremes

bool Search::FindExtremes(std::span<const HostIndex> seeds) {
  const std::size_t rows = points_.Rows();
  low_.assign(rows, kInfinity);
  high_.assign(rows, -kInfinity);
  found_at_.assign(2 * rows, UINT32_MAX);
  any_ = false;
  seeks_high_.assign(rows, 0);
  seeks_low_.assign(rows, 0);
  for (const Weighed& weighed : query_.weighers) {
    if (!weighed.row) continue;
    seeks_high_[*weighed.row] = weighed.maximum ? 0 : 1;
    seeks_low_[*weighed.row] = weighed.minimum ? 0 : 1;
  }
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    const bool seen = std::ranges::find(seeds.first(i), seeds[i]) - seeds.begin() !=
                      static_cast<std::ptrdiff_t>(i);
    if (!seen && Passes(seeds[i])) AddToExtremes(seeds[i]);
  }
  for (const Weighed& weighed : query_.weighers) {
    if (!weighed.row) continue;
    for (std::size_t g = 0; g < forest_->Groups(); ++g) {
      if (!weighed.maximum) Seek(forest_->Group(g), *weighed.row, Side::kHigh);
      if (!weighed.minimum) Seek(forest_->Group(g), *weighed.row, Side::kLow);
    }
  }
  if (!any_) {
    // Weighers that need no extremes sought none; and nothing is lost if there is no host.
    const std::vector<Range> flat(query_.weighers.size());
    std::vector<Found> one;
    FindBest(flat, 1, std::nullopt, nullptr, one);
    any_ = !one.empty();
  }
  return any_;
}

void Search::AddToExtremes(HostIndex host) {
  const std::size_t rows = points_.Rows();
  auto& values = values_;
  values.resize(forest_->Values());
  forest_->Read(host, values);
  any_ = true;
  for (std::size_t row = 0; row < rows; ++row) {
    if (values[row] > high_[row]) {
      high_[row] = values[row];
      found_at_[row] = host;
    }
    if (values[row] < low_[row]) {
      low_[row] = values[row];
      found_at_[rows + row] = host;
    }
  }
}

void Search::Seek(BoxForest::Ref ref, std::size_t row, Side side) {
  if (BoxForest::IsLeaf(ref)) {
    SeekLeaf(ref);
    return;
  }
  const auto node = forest_->Node(ref);
  const bool group = forest_->IsGroupNode(ref);
  const double* values = (side == Side::kHigh ? node.high : node.low) + row * kChildren;
  std::uint32_t may = MayPass<kChildren>(node.count, node.room, node.marks);
  for (;;) {
    std::size_t best = kChildren;
    for (std::uint32_t left = may; left != 0; left &= left - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(left));
      if (!Improves(values[i], row, side)) continue;
      if (group && !TreeCounts(forest_->TreeAt(ref, i), node.child[i])) continue;
      const bool better = best == kChildren || (side == Side::kHigh ? values[i] > values[best]
                                                                    : values[i] < values[best]);
      if (better) best = i;
    }
    if (best == kChildren) return;
    may &= ~(1U << best);
    Seek(node.child[best], row, side);
  }
}

bool Search::WouldImprove(const BoxForest::LeafView& leaf, std::size_t at) const {
  for (std::size_t row = 0; row < seeks_high_.size(); ++row) {
    const double value = leaf.value[row * kLeafPoints + at];
    if (seeks_high_[row] != 0 && value > high_[row]) return true;
    if (seeks_low_[row] != 0 && value < low_[row]) return true;
  }
  return false;
}

void Search::SeekLeaf(BoxForest::Ref ref) {
  const auto leaf = forest_->Leaf(ref);
  const std::size_t rows = points_.Rows();
  std::uint32_t may = MayPass<kLeafPoints>(leaf.count, leaf.room, leaf.marks);
  for (; may != 0; may &= may - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(may));
    if (query_.judge != nullptr && !WouldImprove(leaf, i)) continue;
    if (!Accepts(leaf.host[i])) continue;
    any_ = true;
    for (std::size_t row = 0; row < rows; ++row) {
      const double value = leaf.value[row * kLeafPoints + i];
      if (value > high_[row]) {
        high_[row] = value;
        found_at_[row] = leaf.host[i];
      }
      if (value < low_[row]) {
        low_[row] = value;
        found_at_[rows + row] = leaf.host[i];
      }
    }
  }
}

Extreme Search::ExtremeOf(const Weighed& weighed) const {
  if (!weighed.row) return {weighed.constant, weighed.constant};
  return {low_[*weighed.row], high_[*weighed.row]};
}

const std::vector<Range>& Search::Ranges() {
  own_ranges_.clear();
  for (const Weighed& weighed : query_.weighers) {
    own_ranges_.push_back(RangeOf(weighed, ExtremeOf(weighed)));
  }
  return own_ranges_;
}

}  // namespace kilonova::scheduler::core::fast
