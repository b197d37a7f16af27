// SPDX-License-Identifier: Apache-2.0
// Hosts for all instances of one request, round by round: each round weighs the same hosts anew,
// and hosts of equal totals keep the order of the round before.
//
// The hosts that were picked are kept in that order; the others are searched for. A host that was
// not picked is what it was in every round, so that rounds of the same ranges tell two of them
// apart at once or not at all.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "scheduler/core/fast/host_points.h"
#include "scheduler/core/fast/request_classes.h"
#include "scheduler/core/fast/search.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core::fast {

class Gang : public TieBreak {
 public:
  // Takes the hosts it picks out of the trees; the next Sync puts them back.
  Gang(const Fleet& fleet, HostPoints& points, RequestClass& of);

  Picks Select(std::size_t instances, std::size_t alternates, Selector::TryClaim try_claim);

  bool Before(HostIndex a, HostIndex b) const override;
  bool MayHaveBefore(const BoxForest::NodeView& node, std::size_t slot, std::uint32_t multipliers,
                     HostIndex b) const override;

 private:
  using Raw = std::vector<double>;  // by weigher
  // A host that was picked. It stays in the list whatever room it has left.
  struct Picked {
    HostIndex host = 0;
    std::uint32_t multipliers = 0;
    std::vector<std::pair<std::size_t, Raw>> since;  // its raw values, from which round on
    double total = 0;                                // of this round
  };
  // Rounds one after the other, up to the next epoch, in which the ranges were these.
  struct Epoch {
    std::size_t since = 0;
    std::vector<Range> ranges;
  };
  // One of two hosts that are compared, and what it was from round `since` on.
  struct Side {
    std::uint32_t multipliers = 0;
    const Picked* picked = nullptr;
    std::size_t since = 0;
    const Raw* raw = nullptr;
  };

  bool NextRound();
  void StartRound(std::vector<Range> ranges);
  std::optional<HostIndex> Claim(std::size_t instance, Selector::TryClaim try_claim);
  bool ComesBefore(const Picked& picked, const Found& found) const;
  // Adds a host that was not picked before at `place` of the order.
  void AddPicked(HostIndex host, double total, std::size_t place);
  void NoteChange(Picked& picked) const;
  void AddAlternates(std::size_t most, Picks& picks);
  void ReadUnpicked(HostIndex host, Raw& raw) const;
  // `scratch` takes the values of a host that was not picked.
  Side SideOf(HostIndex host, Raw& scratch) const;
  static void GoBack(std::size_t round, Side& side);
  bool Alike(const Side& a, const Side& b) const;
  // What the rounds before this one say of two of equal totals: 1 when `a` is first, 0 when
  // nothing.
  int Compare(Side a, Side b) const;
  const std::vector<Range>& Ranges() const { return epochs_.back().ranges; }

  const Fleet& fleet_;
  HostPoints& points_;
  RequestClass& of_;
  Search search_;
  std::size_t round_ = 0;  // this one; the first is 0
  std::vector<Epoch> epochs_;
  std::vector<bool> told_apart_;  // by weigher: its values made a difference in some round
  std::vector<Picked> picked_;
  std::vector<std::size_t> order_;  // of picked_, in the order of this round
  std::vector<HostIndex> seeds_;
  std::vector<Found> best_;
  absl::flat_hash_map<HostIndex, std::size_t> position_;  // in picked_
  mutable Raw scratch_a_, scratch_b_, values_;
};

}  // namespace kilonova::scheduler::core::fast
