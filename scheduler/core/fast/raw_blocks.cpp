// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/raw_blocks.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace kilonova::scheduler::core::fast {
namespace {

constexpr std::uint32_t kFull = ~0U;
constexpr Extreme kNone{std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity()};

}  // namespace

RawBlocks::Entry RawBlocks::Add(std::uint32_t multipliers, std::span<const double> raw) {
  auto& open = open_[multipliers];
  if (open.empty()) {
    open.push_back(static_cast<std::uint32_t>(blocks_.size()));
    blocks_.push_back({multipliers, 0, std::vector<double>(weighers_ * kSize),
                       std::vector<Extreme>(weighers_, kNone)});
  }
  const std::uint32_t b = open.back();
  Block& block = blocks_[b];
  const auto place = static_cast<std::uint32_t>(std::countr_one(block.taken));
  block.taken |= 1U << place;
  if (block.taken == kFull) open.pop_back();
  for (std::size_t w = 0; w < weighers_; ++w) {
    block.values[w * kSize + place] = raw[w];
    block.bounds[w].low = std::min(block.bounds[w].low, raw[w]);
    block.bounds[w].high = std::max(block.bounds[w].high, raw[w]);
  }
  return static_cast<Entry>(b * kSize + place);
}

void RawBlocks::Remove(Entry entry) {
  const auto b = static_cast<std::uint32_t>(entry / kSize);
  Block& block = blocks_[b];
  if (block.taken == kFull) open_[block.multipliers].push_back(b);
  block.taken &= ~(1U << (entry % kSize));
  for (std::size_t w = 0; w < weighers_; ++w) {
    Extreme bounds = kNone;
    for (std::uint32_t i = 0; i < kSize; ++i) {
      if ((block.taken >> i & 1U) == 0) continue;
      bounds.low = std::min(bounds.low, block.values[w * kSize + i]);
      bounds.high = std::max(bounds.high, block.values[w * kSize + i]);
    }
    block.bounds[w] = bounds;
  }
}

void RawBlocks::Widen(std::span<Extreme> extremes) const {
  for (const Block& block : blocks_) {
    for (std::size_t w = 0; w < weighers_; ++w) {
      extremes[w].low = std::min(extremes[w].low, block.bounds[w].low);
      extremes[w].high = std::max(extremes[w].high, block.bounds[w].high);
    }
  }
}

// As a total is computed, of the corner that is best for every weigher.
double RawBlocks::BoundOf(const Block& block, std::span<const Range> ranges,
                          const std::vector<double>& multipliers) const {
  double total = 0;
  for (std::size_t w = 0; w < weighers_; ++w) {
    if (ranges[w].span == 0) continue;
    const double corner = multipliers[w] >= 0 ? block.bounds[w].high : block.bounds[w].low;
    total += multipliers[w] * ((corner - ranges[w].low) / ranges[w].span);
  }
  return total;
}

void RawBlocks::Totals(const Block& block, std::span<const Range> ranges,
                       const std::vector<double>& multipliers, double* totals) const {
  std::fill_n(totals, kSize, 0.0);
  for (std::size_t w = 0; w < weighers_; ++w) {
    if (ranges[w].span == 0) continue;
    const double* values = block.values.data() + w * kSize;
    for (std::size_t i = 0; i < kSize; ++i) {
      totals[i] += multipliers[w] * ((values[i] - ranges[w].low) / ranges[w].span);
    }
  }
}

}  // namespace kilonova::scheduler::core::fast
