// SPDX-License-Identifier: Apache-2.0
// Hosts for all instances of one request, round by round: each round judges and weighs anew what is
// left of the hosts of the round before, and hosts of equal totals keep the order of that round.
//
// Hosts that were picked, and those that count otherwise from the start, are kept apart, in groups
// that are alike in all that is weighed; the others are searched for. A host that was not picked is
// what it was in every round, so that rounds of the same ranges tell two of them apart at once or
// not at all.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "scheduler/core/fast/exceptions.h"
#include "scheduler/core/fast/host_points.h"
#include "scheduler/core/fast/raw_blocks.h"
#include "scheduler/core/fast/request_classes.h"
#include "scheduler/core/fast/search.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core::fast {

// A host that is weighed by itself.
struct Outsider {
  HostIndex host = 0;
  std::uint32_t multipliers = 0;
  std::vector<double> raw;  // by weigher
};

// All a gang is about.
struct GangRequest {
  const PlacementRequest& request;  // its NUMA topology changes with each claim
  RequestClass& of;
  Exceptions* exceptions = nullptr;  // null: none
  RequestJudge* judge = nullptr;     // null: accepts all
  std::vector<Outsider> outsiders;   // that the judge leaves out
  std::size_t alternates = 0;
  Selector* draws = nullptr;  // null: the best is taken; else by it
  std::size_t subset = 1;     // is one of so many best drawn,
  bool shuffles = false;      // once those equally best are shuffled
};

class Gang : public TieBreak {
 public:
  // Takes the hosts it picks out of the trees; the next Sync puts them back.
  Gang(Fleet& fleet, HostPoints& points, RequestClasses& classes, GangRequest gang);

  // Nothing when it is not to be told here.
  std::optional<Picks> Select(Selector::TryClaim try_claim);

  bool Before(HostIndex a, HostIndex b) const override;
  bool MayHaveBefore(const BoxForest::NodeView& node, std::size_t slot, std::uint32_t multipliers,
                     HostIndex b) const override;

 private:
  using Raw = std::vector<double>;  // by weigher
  using Index = std::uint32_t;      // in apart_
  static constexpr RawBlocks::Entry kNoGroup = UINT32_MAX;
  static constexpr HostIndex kCorner = UINT32_MAX;  // of a box, in the place of a host
  // A host that is kept apart. It stays in the list whatever room it has left.
  struct Apart {
    HostIndex host = 0;
    std::uint32_t multipliers = 0;
    std::vector<std::pair<std::size_t, Raw>> since;  // its raw values, from which round on
    std::vector<std::size_t> drawn;  // rounds that put it first for the rounds after
    RawBlocks::Entry group = kNoGroup;
    std::uint64_t judged = 0;  // by variant: since it changed
    bool picked = false;
    bool full = false;  // a claim failed, and so will all
    bool in_list = true;
  };
  // What the request was in some rounds, as filters judge hosts one by one.
  struct Variant {
    const RequestClass* of = nullptr;
    std::size_t judged_until = 0;  // of changes_
  };
  // Rounds one after the other, up to the next epoch, in which the ranges were these.
  struct Epoch {
    std::size_t since = 0;
    std::vector<Range> ranges;
  };
  // One of two hosts that are compared, and what it was from round `since` on.
  struct Side {
    HostIndex host = kCorner;
    std::uint32_t multipliers = 0;
    const Apart* apart = nullptr;
    std::size_t since = 0;
    const Raw* raw = nullptr;
  };

  // ---- rounds. False when it is not to be told here.
  bool NextRound();
  bool JudgeAnew();
  bool FindVariant();
  bool CloseTrees();
  bool JudgeApart(Index index);
  void StartRound();
  std::vector<Range> RangesNow();
  std::optional<HostIndex> Claim(std::size_t instance, Selector::TryClaim try_claim);
  bool ClaimApart(std::size_t instance, Index index, Selector::TryClaim try_claim);
  HostIndex PickFromTree(HostIndex host);
  // As many as are asked for at least, or all; in order.
  std::span<Found> BestInTrees(std::size_t count);
  // Of those that may have room.
  std::optional<std::pair<RawBlocks::Entry, double>> BestApart() const;
  std::vector<HostIndex> BestForAlternates(std::uint32_t cell);
  void AddAlternates(Picks& picks);
  void StartSearch();

  // ---- draws. False when it is not to be told here.
  bool Draw();
  std::optional<HostIndex> ClaimDrawn(std::size_t instance, Selector::TryClaim try_claim);
  std::vector<Found> FindFirst(std::size_t count);
  std::vector<HostIndex> FindTied(double total);
  bool PutInOrder(std::vector<HostIndex>& tied);
  bool StandsAsShuffled(HostIndex host) const;
  void PutFirst(std::size_t chosen, std::vector<HostIndex>& tied);
  void KeepOrder(std::vector<HostIndex> tied);
  std::optional<std::uint32_t> PlaceIn(std::size_t round, HostIndex host) const;
  std::size_t LastDraw(const Side& a, const Side& b, std::size_t until) const;

  // ---- hosts apart
  Index SetApart(HostIndex host, std::uint32_t multipliers, Raw raw);
  void NoteChange(Index index);
  void Insert(Index index);
  void TakeOutOfGroup(Index index);
  void Drop(Index index);
  void ReadUnpicked(HostIndex host, Raw& raw) const;
  Raw KeyOf(const Apart& apart) const;
  HostIndex FirstOf(RawBlocks::Entry group) const { return apart_[groups_[group].back()].host; }
  std::span<const Weighed> weighers() const { return weighers_; }

  // ---- order. `scratch` takes the values of a host that is not apart.
  Side SideOf(HostIndex host, Raw& scratch) const;
  static void GoBack(std::size_t round, Side& side);
  bool Alike(const Side& a, const Side& b) const;
  // 1 when the draw of that round put `a` first of all, -1 when `b`.
  static int DrawnFirst(std::size_t round, const Side& a, const Side& b);
  // What the rounds before this one say of two of equal totals: 1 when `a` is first, 0 when
  // nothing.
  int Compare(Side a, Side b) const;
  const std::vector<Range>& Ranges() const { return epochs_.back().ranges; }

  Fleet& fleet_;
  HostPoints& points_;
  RequestClasses& classes_;
  GangRequest gang_;
  std::span<const Weighed> weighers_;
  Search search_;
  std::vector<PreparedPipeline::Stage*> again_;  // that judge anew in every round
  std::size_t round_ = 0;                        // this one; the first is 0
  bool started_ = false;
  std::vector<Epoch> epochs_;
  std::vector<bool> told_apart_;  // by weigher: its values made a difference in some round

  // ---- the trees
  bool closed_ = false;        // no host of theirs passes any more
  bool seek_extremes_ = true;  // they may have changed
  bool any_in_trees_ = false;
  std::vector<HostIndex> seeds_;
  std::vector<Found> best_;               // of this epoch, in order
  std::size_t best_taken_ = 0;            // of them
  std::size_t best_wanted_ = 0;           // how many were looked for; 0: none yet
  bool best_are_all_ = false;             // there are
  std::vector<HostIndex> tied_in_trees_;  // those of the greatest total, if any are known

  // ---- the hosts apart
  std::vector<Apart> apart_;
  absl::flat_hash_map<HostIndex, Index> position_;  // in apart_
  std::vector<Index> pending_;                      // to be put into groups
  std::vector<Index> full_;
  RawBlocks blocks_;
  std::vector<std::vector<Index>> groups_;  // by entry of blocks_; the last comes first
  absl::flat_hash_map<Raw, RawBlocks::Entry> group_of_;  // by KeyOf
  std::vector<Variant> variants_;
  std::size_t variant_ = 0;     // this round's
  std::vector<Index> changes_;  // every change of a host apart, in order

  // ---- draws
  std::vector<HostIndex> order_;    // the first hosts of this round, as drawn
  std::optional<HostIndex> drawn_;  // of them, what was not the first before
  bool gave_up_ = false;
  // Hosts shuffled in a round, and where they stood then: all of the last such round, and of each
  // before those that were not among the next.
  std::vector<HostIndex> tied_;
  std::size_t tied_round_ = SIZE_MAX;
  std::vector<std::uint32_t> place_, next_place_;  // by host, in tied_; of those to come
  std::vector<RawBlocks::Entry> tied_groups_;
  struct Stood {
    std::size_t round = 0;
    std::uint32_t place = 0;
  };
  absl::flat_hash_map<HostIndex, std::vector<Stood>> stood_;
  std::size_t stands_ = 0;  // in all

  mutable Raw scratch_a_, scratch_b_, values_;
};

}  // namespace kilonova::scheduler::core::fast
