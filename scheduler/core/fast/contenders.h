// SPDX-License-Identifier: Apache-2.0
// The best hosts of request classes that come often, kept in order while hosts change, so that most
// decisions look at no tree.
//
// A list has every host of its class that comes before its floor. A host that moves is put where it
// belongs in every list, so that stays true; a list that ran low is made anew by a search. Totals
// hold for one set of ranges: each list knows the extremes these come from, and notices when some
// host goes beyond them or one that was there goes away.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "scheduler/core/fast/host_points.h"
#include "scheduler/core/fast/request_classes.h"
#include "scheduler/core/fast/search.h"
#include "scheduler/core/fast/totals.h"

namespace kilonova::scheduler::core::fast {

// Of a class whose hosts nothing but trees and needs tells apart, all of the same multipliers.
struct ContenderList {
  std::uint64_t of = 0;      // the class's serial number; 0: nobody's
  std::uint64_t judged = 0;  // the class's when it was made
  std::uint64_t used_at = 0;
  std::vector<Need> needs;
  std::vector<Range> ranges;
  std::vector<Term> terms;
  // ---- the extremes, by row; infinite where they are not sought
  std::vector<double> low, high;
  std::vector<HostIndex> found_at;  // high, then low
  bool extremes_hold = false;       // else they may be others by now
  // ---- in order
  std::vector<Found> best;
  Found floor;           // every other host comes after this
  std::size_t most = 0;  // it may have

  bool HasAll() const { return floor.host == UINT32_MAX; }
};

class Contenders : public PointObserver {
 public:
  explicit Contenders(const HostPoints& points) : points_(points) {}

  // How many hosts are worth finding for the class's list.
  std::size_t Worthwhile(const RequestClass& of) const;
  // The list of that class, if it is still of use. Counts as a use of the class.
  ContenderList* Find(RequestClass& of);
  // Whether the class came often enough lately for a list to live until it is used.
  bool IsWorthIt(const RequestClass& of) const;
  // A list to be filled at once, of the extremes `search` found last.
  ContenderList& Start(RequestClass& of, Search& search);
  // With the `wanted` best there are.
  void Fill(ContenderList& list, std::size_t wanted, std::span<const Found> best);
  // `search` found the extremes anew, and ranges are as they were.
  void HoldExtremes(ContenderList& list, const RequestClass& of, const Search& search);
  void Drop(ContenderList& list);

  void Moved(HostIndex host, BoxForest::Tree tree, std::span<const double> values,
             std::span<const std::int32_t> rooms) override;
  void Gone(HostIndex host) override;
  void Cleared() override;

  std::size_t MemoryBytes() const;

 private:
  // The lists a host is in, and those whose extremes it has; a bit each.
  struct Watch {
    std::uint64_t listed = 0;
    std::uint64_t extreme = 0;
  };
  static constexpr std::size_t kLists = 64;

  std::uint64_t BitOf(const ContenderList& list) const {
    return 1ULL << static_cast<std::size_t>(&list - lists_.data());
  }
  ContenderList& Take(RequestClass& of);
  void SetExtremes(ContenderList& list, const RequestClass& of, const Search& search);
  void Unlist(ContenderList& list, HostIndex host);
  void Shorten(ContenderList& list, std::size_t kept);
  void Update(ContenderList& list, HostIndex host, std::span<const double> values);

  const HostPoints& points_;
  std::array<ContenderList, kLists> lists_;
  std::vector<std::uint64_t> of_tree_;  // the lists whose classes the tree passes
  std::vector<Watch> watches_;          // by host
  std::uint64_t now_ = 0;               // counts uses
};

}  // namespace kilonova::scheduler::core::fast
