// SPDX-License-Identifier: Apache-2.0
// The hosts of the greatest totals.
#include <algorithm>
#include <bit>
#include <cmath>

#include "scheduler/core/fast/search.h"

namespace kilonova::scheduler::core::fast {
namespace {

// So many are kept in order one by one; more are sorted once.
constexpr std::size_t kMostInOrder = 16;

}  // namespace

void Search::TermsOf(std::uint32_t multipliers) {
  if (terms_of_ == multipliers) return;
  terms_of_ = multipliers;
  SetTerms(query_.weighers, ranges_, points_.Multipliers(multipliers), terms_);
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

void Search::Bounds(const BoxForest::NodeView& node, double* bounds) const {
  double by_reference[kChildren];
  const std::size_t rows = points_.Rows();
  const double* reference = node.high + rows * kChildren;  // where there are rows
  for (std::size_t i = 0; i < kChildren; ++i) {
    bounds[i] = line_.constant + line_.margin;
    by_reference[i] =
        line_.rest_constant + line_.margin + (rows > 0 ? line_.reference * reference[i] : 0.0);
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const double slope = line_.slope[row];
    const double rest = line_.rest[row];
    const double* corner = (slope >= 0 ? node.high : node.low) + row * kChildren;
    const double* rest_corner = (rest >= 0 ? node.high : node.low) + row * kChildren;
    for (std::size_t i = 0; i < kChildren; ++i) {
      bounds[i] += slope * corner[i];
      by_reference[i] += rest * rest_corner[i];
    }
  }
  // Written so that a bound that is no number lowers nothing.
  for (std::size_t i = 0; i < kChildren; ++i) {
    bounds[i] = by_reference[i] < bounds[i] ? by_reference[i] : bounds[i];
  }
}

double Search::CornerAt(const BoxForest::NodeView& node, std::size_t slot) const {
  double total = 0;
  for (const Term& term : terms_) {
    const double* side = term.multiplier >= 0 ? node.high : node.low;
    total += term.constant
                 ? term.value
                 : term.multiplier * ((side[term.row * kChildren + slot] - term.low) / term.span);
  }
  return total;
}

void Search::FindBest(std::span<const Range> ranges, std::size_t wanted,
                      std::optional<std::uint32_t> cell, const TieBreak* tie_break,
                      std::vector<Found>& best) {
  best.clear();
  if (wanted == 0) return;
  StartFinding(ranges, cell, tie_break);
  wanted_ = wanted;
  best_ = &best;
  DescendAll();
  if (wanted_ > kMostInOrder) {
    std::ranges::sort(best, [this](const Found& a, const Found& b) { return Before(a, b); });
    if (best.size() > wanted_) best.resize(wanted_);
  }
}

// As if one of that total, the last of hosts, were found.
void Search::FindTied(std::span<const Range> ranges, double total, std::vector<HostIndex>& tied) {
  tied.clear();
  StartFinding(ranges, std::nullopt, nullptr);
  full_ = true;
  last_ = {total, UINT32_MAX};
  tied_ = &tied;
  DescendAll();
  tied_ = nullptr;
  std::ranges::sort(tied);
}

void Search::StartFinding(std::span<const Range> ranges, std::optional<std::uint32_t> cell,
                          const TieBreak* tie_break) {
  full_ = false;
  leaves_seen_ = 0;
  ranges_ = ranges;
  terms_of_.reset();
  cell_ = cell;
  tie_break_ = tie_break;
}

void Search::DescendAll() {
  auto& roots = roots_;
  roots.clear();
  for (std::size_t g = 0; g < forest_->Groups(); ++g) {
    const BoxForest::Ref ref = forest_->Group(g);
    const auto node = forest_->Node(ref);
    double bounds[kChildren];
    std::optional<std::uint32_t> computed;
    std::uint32_t may = MayPass<kChildren>(node.count, node.room, node.marks);
    for (; may != 0; may &= may - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(may));
      const BoxForest::Tree tree = forest_->TreeAt(ref, i);
      if (!TreeCounts(tree, node.child[i])) continue;
      const std::uint32_t multipliers = points_.MultipliersIdOf(tree);
      if (computed != multipliers) {
        TermsOf(multipliers);
        Bounds(node, bounds);
        computed = multipliers;
      }
      roots.push_back({bounds[i], ref, i});
    }
  }
  while (!roots.empty()) {
    const auto top = std::ranges::max_element(roots, {}, &Root::bound);
    const auto node = forest_->Node(top->group);
    TermsOf(points_.MultipliersIdOf(forest_->TreeAt(top->group, top->slot)));
    if (CanEnter(node, top->slot, top->bound)) {
      Descend(node.child[top->slot]);
    } else if (full_ && top->bound < last_.total) {
      break;
    }
    *top = roots.back();
    roots.pop_back();
  }
  cell_.reset();
}

bool Search::CanEnter(const BoxForest::NodeView& node, std::size_t slot, double bound) const {
  if (!full_) return true;
  if (bound < last_.total) return false;
  const double total = CornerAt(node, slot);
  if (total != last_.total) return total > last_.total;
  if (tie_break_ == nullptr) return node.first[slot] < last_.host;
  return tie_break_->MayHaveBefore(node, slot, *terms_of_, last_.host);
}

void Search::Offer(double total, HostIndex host) {
  if (tied_ != nullptr) {
    tied_->push_back(host);
    return;
  }
  const Found found{total, host};
  if (wanted_ > kMostInOrder) {
    OfferToMany(found);
    return;
  }
  if (full_) best_->pop_back();
  auto at = best_->end();
  while (at != best_->begin() && Before(found, *(at - 1))) --at;
  best_->insert(at, found);
  full_ = best_->size() == wanted_;
  last_ = best_->back();
}

// Up to twice as many as are wanted, the better half of which is kept now and then.
void Search::OfferToMany(const Found& found) {
  const auto before = [this](const Found& a, const Found& b) { return Before(a, b); };
  // As BestOf has it, a total that is no number counts as the least.
  best_->push_back(std::isnan(found.total) ? Found{-HUGE_VAL, found.host} : found);
  if (best_->size() != wanted_ && best_->size() != 2 * wanted_) return;
  const auto last = best_->begin() + static_cast<std::ptrdiff_t>(wanted_ - 1);
  std::ranges::nth_element(*best_, last, before);
  best_->resize(wanted_);
  full_ = true;
  last_ = best_->back();
}

void Search::Descend(BoxForest::Ref ref) {
  if (BoxForest::IsLeaf(ref)) {
    DescendLeaf(ref);
    return;
  }
  const auto node = forest_->Node(ref);
  std::uint32_t may = MayPass<kChildren>(node.count, node.room, node.marks);
  if (may == 0) return;
  double bounds[kChildren];
  Bounds(node, bounds);
  while (may != 0) {
    auto top = static_cast<std::size_t>(std::countr_zero(may));
    for (std::uint32_t left = may & (may - 1); left != 0; left &= left - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(left));
      if (bounds[i] > bounds[top] ||
          (bounds[i] == bounds[top] && node.first[i] < node.first[top])) {
        top = i;
      }
    }
    may &= ~(1U << top);
    if (CanEnter(node, top, bounds[top])) {
      Descend(node.child[top]);
    } else if (bounds[top] < last_.total) {
      return;
    }
  }
}

void Search::DescendLeaf(BoxForest::Ref ref) {
  const auto leaf = forest_->Leaf(ref);
  ++leaves_seen_;
  std::uint32_t may = MayPass<kLeafPoints>(leaf.count, leaf.room, leaf.marks);
  if (may == 0) return;
  // Most hosts are told apart by their line, which needs no division.
  double about[kLeafPoints];
  for (double& total : about) total = line_.constant + line_.margin;
  for (std::size_t row = 0; row < line_.slope.size(); ++row) {
    const double slope = line_.slope[row];
    const double* values = leaf.value + row * kLeafPoints;
    for (std::size_t i = 0; i < kLeafPoints; ++i) about[i] += slope * values[i];
  }
  for (; may != 0; may &= may - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(may));
    if (full_ && about[i] < last_.total) continue;
    const double total = SumOf(terms_, leaf.value + i, kLeafPoints);
    if (full_ && !Before({total, leaf.host[i]}, last_)) continue;
    if (!Accepts(leaf.host[i])) continue;
    Offer(total, leaf.host[i]);
  }
}

}  // namespace kilonova::scheduler::core::fast
