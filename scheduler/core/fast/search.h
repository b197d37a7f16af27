// SPDX-License-Identifier: Apache-2.0
// Finds in a forest of points what a scan of all hosts would find: the extremes weights are
// normalised over, and the hosts of the greatest totals, to the last bit and in the same order.
//
// A total is computed of a box as it is of a host, from the corner that is best for every weigher.
// Each step of that computation is monotone, rounding included, so no host in the box has a greater
// total: what cannot reach the list is passed over unseen.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "scheduler/core/fast/host_points.h"
#include "scheduler/core/fast/passing.h"
#include "scheduler/core/fast/totals.h"

namespace kilonova::scheduler::core::fast {

inline constexpr std::uint8_t kTreePasses = 1;

// Judges hosts one by one, when it comes to that.
class HostJudge {
 public:
  virtual ~HostJudge() = default;
  virtual bool Accepts(HostIndex host) = 0;
};

struct Query {
  std::span<const std::uint8_t> passes;  // by tree: kTreePasses when its hosts pass the filters
  std::span<const Need> needs;
  std::span<const Weighed> weighers;
  // Set when needs do not say it all: a host found must fit this as well.
  const Footprint* footprint = nullptr;
  HostJudge* judge = nullptr;  // null: accepts all
  std::uint64_t marks = 0;     // the judge accepts no host without these
};

// Decides between hosts of equal totals when it is not the lower index.
class TieBreak {
 public:
  virtual ~TieBreak() = default;
  virtual bool Before(HostIndex a, HostIndex b) const = 0;
  // False when no host of the box at `slot` comes before `b`. The box is of a tree of these
  // multipliers and reaches b's total at most.
  virtual bool MayHaveBefore(const BoxForest::NodeView& node, std::size_t slot,
                             std::uint32_t multipliers, HostIndex b) const = 0;
};

class Search {
 public:
  // Good as long as fleet and points do not change; kept from request to request, it need not
  // allocate.
  explicit Search(const HostPoints& points) : points_(points) {}
  void Start(const Fleet& fleet, const Query& query) {
    fleet_ = &fleet;
    forest_ = &points_.forest();
    query_ = query;
  }

  // Finds the lowest and highest value of every weigher among the hosts that pass; those known to
  // are to be given as `seeds`. False when no host passes.
  bool FindExtremes(std::span<const HostIndex> seeds);
  Extreme ExtremeOf(const Weighed& weighed) const;
  const std::vector<Range>& Ranges();  // from the extremes, by weigher
  // Where the extremes were found, by row: seeds for the next search like this one.
  const std::vector<HostIndex>& Extremes() const { return found_at_; }

  // The `wanted` hosts of the greatest totals, best first; of one cell if given.
  void FindBest(std::span<const Range> ranges, std::size_t wanted,
                std::optional<std::uint32_t> cell, const TieBreak* tie_break,
                std::vector<Found>& best);
  // How many leaves of the trees the last call looked at.
  std::size_t LeavesSeen() const { return leaves_seen_; }
  // All hosts of that total, the greatest there is, in order.
  void FindTied(std::span<const Range> ranges, double total, std::vector<HostIndex>& tied);

  bool Passes(HostIndex host) const;

 private:
  enum class Side { kLow, kHigh };

  // The same total as a sum of slope * value over rows, good to `margin`.
  struct Line {
    std::vector<double> slope;  // by row
    double constant = 0;
    double reference = 0;      // of the reference row, and then
    std::vector<double> rest;  // what is left of the slopes
    double rest_constant = 0;
    double margin = 0;
  };

  void TermsOf(std::uint32_t multipliers);
  void LineOf(std::uint32_t multipliers);
  double Magnitude(std::size_t row) const;
  // Totals no host in these boxes exceeds; by the line, so that none is divided.
  void Bounds(const BoxForest::NodeView& node, double* bounds) const;
  // The same of one box, computed as the total of a host is: what all its hosts may have at once.
  double CornerAt(const BoxForest::NodeView& node, std::size_t slot) const;
  // The columns of a block that may, a bit each.
  template <std::size_t kColumns>
  std::uint32_t MayPass(std::size_t count, const std::int32_t* room,
                        const std::uint64_t* marks) const {
    std::uint32_t may = count == 32 ? UINT32_MAX : (1U << count) - 1;
    for (const Need& need : query_.needs) {
      may &= AtLeast<kColumns>(room + need.row * kColumns, need.amount);
    }
    if (query_.marks == 0) return may;
    for (std::size_t i = 0; i < count; ++i) {
      if ((marks[i] & query_.marks) != query_.marks) may &= ~(1U << i);
    }
    return may;
  }
  // The rest of what decides on a host of a leaf.
  bool Accepts(HostIndex host) const {
    return (query_.footprint == nullptr || fleet_->Fits(host, *query_.footprint)) &&
           (query_.judge == nullptr || query_.judge->Accepts(host));
  }
  // Whether the point is beyond what was found in a row that is sought.
  bool WouldImprove(const BoxForest::LeafView& leaf, std::size_t at) const;
  bool TreeCounts(BoxForest::Tree tree, BoxForest::Ref root) const;

  void Seek(BoxForest::Ref ref, std::size_t row, Side side);
  void SeekLeaf(BoxForest::Ref ref);
  void AddToExtremes(HostIndex host);
  bool Improves(double value, std::size_t row, Side side) const {
    return side == Side::kHigh ? value > high_[row] : value < low_[row];
  }
  void StartFinding(std::span<const Range> ranges, std::optional<std::uint32_t> cell,
                    const TieBreak* tie_break);
  void DescendAll();
  void Descend(BoxForest::Ref ref);
  void DescendLeaf(BoxForest::Ref ref);
  bool CanEnter(const BoxForest::NodeView& node, std::size_t slot, double bound) const;
  void Offer(double total, HostIndex host);
  void OfferToMany(const Found& found);
  bool Before(const Found& a, const Found& b) const {
    if (tie_break_ == nullptr || a.total != b.total) return IsBefore(a, b);
    return tie_break_->Before(a.host, b.host);
  }

  struct Root {
    double bound;
    BoxForest::Ref group;
    std::size_t slot;
  };

  const HostPoints& points_;
  const Fleet* fleet_ = nullptr;
  const BoxForest* forest_ = nullptr;
  Query query_;
  std::vector<Range> own_ranges_;
  std::vector<Root> roots_;
  std::vector<double> values_;
  std::vector<double> low_, high_;
  std::vector<HostIndex> found_at_;                   // high_, then low_
  std::vector<std::uint8_t> seeks_high_, seeks_low_;  // by row
  bool any_ = false;
  std::span<const Range> ranges_;
  std::vector<Term> terms_;
  Line line_;
  std::optional<std::uint32_t> terms_of_;
  std::optional<std::uint32_t> cell_;
  const TieBreak* tie_break_ = nullptr;
  std::size_t wanted_ = 0;
  std::vector<Found>* best_ = nullptr;
  std::vector<HostIndex>* tied_ = nullptr;  // instead
  std::size_t leaves_seen_ = 0;
  bool full_ = false;  // as many are found as are wanted:
  Found last_;         // the last of them
};

}  // namespace kilonova::scheduler::core::fast
