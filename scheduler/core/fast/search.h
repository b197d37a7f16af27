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

namespace kilonova::scheduler::core::fast {

// What normalisation subtracts from a weigher's raw value and divides by.
struct Range {
  double low = 0;
  double span = 0;  // 0: all normalise to 0
  friend bool operator==(const Range&, const Range&) = default;
};

struct Extreme {
  double low = 0;
  double high = 0;
};

// One weigher of one request.
struct Weighed {
  std::optional<std::size_t> row;  // of the points, or
  double constant = 0;             // the raw value of all hosts in trees, clamped
  bool same = false;               // that of all hosts whatsoever
  std::optional<double> minimum, maximum;
};

Range RangeOf(const Weighed& weighed, const Extreme& extreme);

struct Need {
  std::size_t row = 0;  // of the rooms
  std::int32_t amount = 0;
};

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

struct Found {
  double total = 0;
  HostIndex host = 0;
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

  bool Passes(HostIndex host) const;

 private:
  // The terms of a total, in the order they are summed.
  struct Term {
    bool constant = false;
    std::size_t row = 0;
    double value = 0;  // a constant term
    double multiplier = 0;
    double low = 0;
    double span = 0;
  };
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
  // Lowers what the corners say to what the reference says.
  void LowerByReference(const BoxForest::NodeView& node, double* totals) const;
  double TotalAt(const BoxForest::LeafView& leaf, std::size_t at) const;
  template <std::size_t kStride>
  void Totals(std::size_t count, const double* high, const double* low, double* totals) const;
  template <std::size_t kStride>
  void MayPass(std::size_t count, const std::int32_t* room, const std::uint64_t* marks,
               std::uint8_t* may) const;
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
  void Descend(BoxForest::Ref ref);
  void DescendLeaf(BoxForest::Ref ref);
  bool CanEnter(const BoxForest::NodeView& node, std::size_t slot, double total) const;
  void Offer(double total, HostIndex host);
  bool Before(const Found& a, const Found& b) const {
    if (a.total != b.total) return a.total > b.total;
    return tie_break_ == nullptr ? a.host < b.host : tie_break_->Before(a.host, b.host);
  }

  struct Root {
    double total;
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
};

// The total of one host, computed as Scorer computes it from the raw values, clamped.
double TotalOf(std::span<const Range> ranges, std::span<const double> multipliers,
               std::span<const double> raw);

}  // namespace kilonova::scheduler::core::fast
