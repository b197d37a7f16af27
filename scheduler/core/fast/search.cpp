// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/search.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kilonova::scheduler::core::fast {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

Range RangeOf(const Weighed& weighed, const Extreme& extreme) {
  const double low = weighed.minimum.value_or(extreme.low);
  const double high = weighed.maximum.value_or(extreme.high);
  return {low, low == high ? 0.0 : high - low};
}

double TotalOf(std::span<const Range> ranges, std::span<const double> multipliers,
               std::span<const double> raw) {
  double total = 0;
  for (std::size_t w = 0; w < ranges.size(); ++w) {
    if (ranges[w].span == 0) continue;
    total += multipliers[w] * ((raw[w] - ranges[w].low) / ranges[w].span);
  }
  return total;
}

// ---- which hosts count

template <std::size_t kStride>
void Search::MayPass(std::size_t count, const std::int32_t* room, const std::uint64_t* marks,
                     std::uint8_t* may) const {
  for (std::size_t i = 0; i < kStride; ++i) may[i] = i < count ? 1 : 0;
  for (const Need& need : query_.needs) {
    const std::int32_t* row = room + need.row * kStride;
    for (std::size_t i = 0; i < kStride; ++i) {
      may[i] = static_cast<std::uint8_t>(may[i] & (row[i] >= need.amount ? 1 : 0));
    }
  }
  if (query_.marks == 0) return;
  for (std::size_t i = 0; i < kStride; ++i) {
    may[i] =
        static_cast<std::uint8_t>(may[i] & ((marks[i] & query_.marks) == query_.marks ? 1 : 0));
  }
}

bool Search::TreeCounts(BoxForest::Tree tree, BoxForest::Ref root) const {
  return root != BoxForest::kNil && query_.passes[tree] == kTreePasses &&
         (!cell_ || points_.Cell(tree) == *cell_);
}

bool Search::Passes(HostIndex host) const {
  if (host >= fleet_->Slots() || !forest_->Contains(host)) return false;
  if (query_.passes[points_.TreeOf(host)] != kTreePasses) return false;
  return std::ranges::all_of(query_.needs,
                             [&](const Need& need) {
                               const auto id = static_cast<std::uint32_t>(need.row) + 1;
                               return fleet_->Class(id).room[host] >= need.amount;
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
  std::uint8_t may[kChildren];
  MayPass<kChildren>(node.count, node.room, node.marks, may);
  for (;;) {
    std::size_t best = kChildren;
    for (std::size_t i = 0; i < node.count; ++i) {
      if (may[i] == 0 || !Improves(values[i], row, side)) continue;
      if (group && !TreeCounts(forest_->TreeAt(ref, i), node.child[i])) continue;
      const bool better = best == kChildren || (side == Side::kHigh ? values[i] > values[best]
                                                                    : values[i] < values[best]);
      if (better) best = i;
    }
    if (best == kChildren) return;
    may[best] = 0;
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
  std::uint8_t may[kLeafPoints];
  MayPass<kLeafPoints>(leaf.count, leaf.room, leaf.marks, may);
  for (std::size_t i = 0; i < leaf.count; ++i) {
    if (may[i] == 0) continue;
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

// ---- the best

void Search::TermsOf(std::uint32_t multipliers) {
  if (terms_of_ == multipliers) return;
  terms_of_ = multipliers;
  terms_.clear();
  const auto& by_weigher = points_.Multipliers(multipliers);
  for (std::size_t w = 0; w < query_.weighers.size(); ++w) {
    const Range& range = ranges_[w];
    if (range.span == 0) continue;
    const Weighed& weighed = query_.weighers[w];
    Term term;
    term.multiplier = by_weigher[w];
    term.low = range.low;
    term.span = range.span;
    if (weighed.row) {
      term.row = *weighed.row;
    } else {
      term.constant = true;
      term.value = term.multiplier * ((weighed.constant - range.low) / range.span);
    }
    terms_.push_back(term);
  }
  LineOf(multipliers);
}

// The greatest magnitude a value of the row has anywhere.
double Search::Magnitude(std::size_t row) const {
  double most = std::abs(points_.Bases()[row]);
  for (std::size_t g = 0; g < forest_->Groups(); ++g) {
    const auto node = forest_->Node(forest_->Group(g));
    for (std::size_t i = 0; i < node.count; ++i) {
      if (node.child[i] == BoxForest::kNil) continue;
      most = std::max({most, std::abs(node.high[row * kChildren + i]),
                       std::abs(node.low[row * kChildren + i])});
    }
  }
  return most;
}

void Search::LineOf(std::uint32_t multipliers) {
  const std::size_t rows = points_.Rows();
  const auto& slopes = points_.Slopes(multipliers);
  const auto& bases = points_.Bases();
  line_.slope.assign(rows, 0.0);
  line_.constant = 0;
  double noise = 0;  // the sum of all magnitudes that are added up
  for (const Term& term : terms_) {
    if (term.constant) {
      line_.constant += term.value;
      noise += std::abs(term.value);
      continue;
    }
    const double slope = term.multiplier / term.span;
    line_.slope[term.row] = slope;
    line_.constant -= slope * term.low;
    noise += std::abs(term.multiplier) + std::abs(slope * term.low);
  }
  // So much of the reference that least is left of the slopes.
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (slopes[row] == 0 || line_.slope[row] == 0) continue;
    sum += line_.slope[row] / slopes[row];
    ++count;
  }
  const double share = count > 0 ? sum / static_cast<double>(count) : 0.0;
  line_.reference = std::isfinite(share) && share > 0 ? share : 0.0;
  line_.rest.assign(rows, 0.0);
  line_.rest_constant = line_.constant;
  for (std::size_t row = 0; row < rows; ++row) {
    const double taken = line_.reference * slopes[row];
    line_.rest[row] = line_.slope[row] - taken;
    line_.rest_constant += taken * bases[row];
    noise += (std::abs(line_.slope[row]) + 2 * std::abs(taken) + std::abs(line_.rest[row])) *
             Magnitude(row);
  }
  // Each addition and multiplication errs by 2^-53 of what it deals with; there are a few dozen.
  line_.margin = 1e-13 * noise;
}

void Search::LowerByReference(const BoxForest::NodeView& node, double* totals) const {
  const std::size_t rows = points_.Rows();
  if (rows == 0) return;
  double bound[kChildren];
  const double* reference = node.high + rows * kChildren;
  const double constant = line_.rest_constant + line_.margin;
  for (std::size_t i = 0; i < kChildren; ++i) {
    bound[i] = constant + line_.reference * reference[i];
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const double slope = line_.rest[row];
    const double* corner = (slope >= 0 ? node.high : node.low) + row * kChildren;
    for (std::size_t i = 0; i < kChildren; ++i) bound[i] += slope * corner[i];
  }
  // Written so that a bound that is no number lowers nothing.
  for (std::size_t i = 0; i < kChildren; ++i) {
    totals[i] = bound[i] < totals[i] ? bound[i] : totals[i];
  }
}

template <std::size_t kStride>
void Search::Totals(std::size_t count, const double* high, const double* low,
                    double* totals) const {
  const std::size_t most = (count + 3) / 4 * 4;  // whole groups of the unrolled loops
  for (std::size_t i = 0; i < most; ++i) totals[i] = 0;
  for (const Term& term : terms_) {
    if (term.constant) {
      for (std::size_t i = 0; i < most; ++i) totals[i] += term.value;
      continue;
    }
    const double* row = (term.multiplier >= 0 ? high : low) + term.row * kStride;
    for (std::size_t i = 0; i < most; ++i) {
      totals[i] += term.multiplier * ((row[i] - term.low) / term.span);
    }
  }
}

void Search::FindBest(std::span<const Range> ranges, std::size_t wanted,
                      std::optional<std::uint32_t> cell, const TieBreak* tie_break,
                      std::vector<Found>& best) {
  best.clear();
  if (wanted == 0) return;
  ranges_ = ranges;
  terms_of_.reset();
  wanted_ = wanted;
  cell_ = cell;
  tie_break_ = tie_break;
  best_ = &best;
  auto& roots = roots_;
  roots.clear();
  for (std::size_t g = 0; g < forest_->Groups(); ++g) {
    const BoxForest::Ref ref = forest_->Group(g);
    const auto node = forest_->Node(ref);
    std::uint8_t may[kChildren];
    MayPass<kChildren>(node.count, node.room, node.marks, may);
    double totals[kChildren];
    std::optional<std::uint32_t> computed;
    for (std::size_t i = 0; i < node.count; ++i) {
      const BoxForest::Tree tree = forest_->TreeAt(ref, i);
      if (may[i] == 0 || !TreeCounts(tree, node.child[i])) continue;
      const std::uint32_t multipliers = points_.MultipliersIdOf(tree);
      if (computed != multipliers) {
        TermsOf(multipliers);
        Totals<kChildren>(node.count, node.high, node.low, totals);
        LowerByReference(node, totals);
        computed = multipliers;
      }
      roots.push_back({totals[i], ref, i});
    }
  }
  while (!roots.empty()) {
    const auto top = std::ranges::max_element(roots, {}, &Root::total);
    const auto node = forest_->Node(top->group);
    TermsOf(points_.MultipliersIdOf(forest_->TreeAt(top->group, top->slot)));
    if (CanEnter(node, top->slot, top->total)) {
      Descend(node.child[top->slot]);
    } else if (best.size() == wanted_ && top->total < best.back().total) {
      break;
    }
    *top = roots.back();
    roots.pop_back();
  }
  cell_.reset();
}

bool Search::CanEnter(const BoxForest::NodeView& node, std::size_t slot, double total) const {
  if (best_->size() < wanted_) return true;
  const Found& last = best_->back();
  if (total != last.total) return total > last.total;
  if (tie_break_ == nullptr) return node.first[slot] < last.host;
  return tie_break_->MayHaveBefore(node, slot, *terms_of_, last.host);
}

void Search::Offer(double total, HostIndex host) {
  const Found found{total, host};
  if (best_->size() == wanted_) {
    if (!Before(found, best_->back())) return;
    best_->pop_back();
  }
  auto at = best_->end();
  while (at != best_->begin() && Before(found, *(at - 1))) --at;
  best_->insert(at, found);
}

void Search::Descend(BoxForest::Ref ref) {
  if (BoxForest::IsLeaf(ref)) {
    DescendLeaf(ref);
    return;
  }
  const auto node = forest_->Node(ref);
  std::uint8_t may[kChildren];
  MayPass<kChildren>(node.count, node.room, node.marks, may);
  double totals[kChildren];
  Totals<kChildren>(node.count, node.high, node.low, totals);
  LowerByReference(node, totals);
  for (;;) {
    std::size_t top = kChildren;
    for (std::size_t i = 0; i < node.count; ++i) {
      if (may[i] == 0) continue;
      if (top == kChildren || totals[i] > totals[top] ||
          (totals[i] == totals[top] && node.first[i] < node.first[top])) {
        top = i;
      }
    }
    if (top == kChildren) return;
    may[top] = 0;
    if (CanEnter(node, top, totals[top])) {
      Descend(node.child[top]);
    } else if (totals[top] < best_->back().total) {
      return;
    }
  }
}

double Search::TotalAt(const BoxForest::LeafView& leaf, std::size_t at) const {
  double total = 0;
  for (const Term& term : terms_) {
    if (term.constant) {
      total += term.value;
      continue;
    }
    total += term.multiplier * ((leaf.value[term.row * kLeafPoints + at] - term.low) / term.span);
  }
  return total;
}

void Search::DescendLeaf(BoxForest::Ref ref) {
  const auto leaf = forest_->Leaf(ref);
  std::uint8_t may[kLeafPoints];
  MayPass<kLeafPoints>(leaf.count, leaf.room, leaf.marks, may);
  // Most hosts are told apart by their line, which needs no division.
  double about[kLeafPoints];
  for (double& total : about) total = line_.constant + line_.margin;
  for (std::size_t row = 0; row < line_.slope.size(); ++row) {
    const double slope = line_.slope[row];
    const double* values = leaf.value + row * kLeafPoints;
    for (std::size_t i = 0; i < kLeafPoints; ++i) about[i] += slope * values[i];
  }
  for (std::size_t i = 0; i < leaf.count; ++i) {
    if (may[i] == 0) continue;
    const bool full = best_->size() == wanted_;
    if (full && about[i] < best_->back().total) continue;
    const double total = TotalAt(leaf, i);
    if (full && !Before({total, leaf.host[i]}, best_->back())) continue;
    if (!Accepts(leaf.host[i])) continue;
    Offer(total, leaf.host[i]);
  }
}

}  // namespace kilonova::scheduler::core::fast
