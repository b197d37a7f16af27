// SPDX-License-Identifier: Apache-2.0
// Raw values of hosts that are in no tree, in blocks that know their extremes: most blocks are
// passed over unseen when the best is looked for. Entries come and go one by one.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "scheduler/core/fast/search.h"

namespace kilonova::scheduler::core::fast {

class RawBlocks {
 public:
  using Entry = std::uint32_t;

  explicit RawBlocks(std::size_t weighers) : weighers_(weighers) {}

  // `raw` by weigher, of hosts of these multipliers.
  Entry Add(std::uint32_t multipliers, std::span<const double> raw);
  void Remove(Entry entry);
  // One more than the greatest entry ever.
  std::size_t Entries() const { return blocks_.size() * kSize; }

  // Widens the extremes, one by weigher, to what is here.
  void Widen(std::span<Extreme> extremes) const;

  // Calls visit(entry, total) for entries that may be among the greatest totals: all of a total of
  // at least what `least` is by then. The visitor raises it. `multipliers_of` is by id.
  template <class Visit>
  void ForBest(std::span<const Range> ranges, const HostPoints& points, const double& least,
               Visit visit) const {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const Block& block = blocks_[b];
      if (block.taken == 0) continue;
      const std::vector<double>& multipliers = points.Multipliers(block.multipliers);
      if (!(BoundOf(block, ranges, multipliers) >= least)) continue;
      double totals[kSize];
      Totals(block, ranges, multipliers, totals);
      for (std::uint32_t i = 0; i < kSize; ++i) {
        if ((block.taken >> i & 1U) == 0 || totals[i] < least) continue;
        visit(static_cast<Entry>(b * kSize + i), totals[i]);
      }
    }
  }

 private:
  static constexpr std::size_t kSize = 32;
  struct Block {
    std::uint32_t multipliers = 0;
    std::uint32_t taken = 0;      // a bit for each place
    std::vector<double> values;   // by weigher, kSize each
    std::vector<Extreme> bounds;  // by weigher
  };

  double BoundOf(const Block& block, std::span<const Range> ranges,
                 const std::vector<double>& multipliers) const;
  void Totals(const Block& block, std::span<const Range> ranges,
              const std::vector<double>& multipliers, double* totals) const;

  std::size_t weighers_;
  std::vector<Block> blocks_;
  // Blocks with a place left, by multipliers.
  absl::flat_hash_map<std::uint32_t, std::vector<std::uint32_t>> open_;
};

}  // namespace kilonova::scheduler::core::fast
