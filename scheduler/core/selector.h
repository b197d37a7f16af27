// SPDX-License-Identifier: Apache-2.0
// Nova's select_destinations loop: filter, weigh, try to claim from the best host down; once per
// instance, on the list as the round before left it; then alternates. It claims through a function
// and knows nothing of capacity itself.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"
#include "scheduler/core/scoring.h"

namespace kilonova::scheduler::core {

struct Pick {
  HostIndex host = 0;
  std::vector<HostIndex> alternates;
};

struct Picks {
  std::vector<Pick> picks;  // for the first instances of the request
  bool complete = false;
};

// The request resolved once: a prepared filter per enabled filter, in order.
struct PreparedPipeline {
  struct Stage {
    const Filter* filter = nullptr;
    std::unique_ptr<PreparedFilter> prepared;  // null: nothing to say
  };
  std::vector<Stage> stages;
  bool skip = false;  // forced to a host: filters are skipped
};

// Every host, in the order they are tried.
std::vector<HostIndex> AllHosts(const Fleet& fleet);
Expected<PreparedPipeline> Prepare(const Pipeline& pipeline, const Fleet& fleet,
                                   const PlacementRequest& request);
// True when the NUMATopologyFilter judges hosts for this request, and so bounds what it may take.
bool LimitsNuma(const Pipeline& pipeline, const PlacementRequest& request);
// Drops the request's ignored hosts and, if it forces one or names a destination, all others. As in
// Nova, letter case of host names does not count but for the destination, and never for nodes.
void StripHosts(const Fleet& fleet, const PlacementRequest& request, std::vector<HostIndex>& hosts);

class Selector {
 public:
  explicit Selector(const Pipeline& pipeline)
      : pipeline_(pipeline),
        scorer_(pipeline.weighers),
        random_(pipeline.seed),
        shuffle_(pipeline.shuffle_seed) {}

  // Claims for the instance of that number and consumes its resources, or says no and changes
  // nothing. Called for one host after the other, best first.
  using TryClaim = absl::FunctionRef<bool(std::size_t instance, HostIndex host)>;
  // Hosts no alternate may be on beyond those chosen.
  using MayStandBy = absl::FunctionRef<bool(HostIndex host)>;

  // `hosts` is what Placement offers. When `complete` is false what was claimed stays claimed: the
  // caller takes it back.
  Expected<Picks> Select(const Fleet& fleet, const PlacementRequest& request,
                         std::vector<HostIndex> hosts, std::size_t alternates, TryClaim try_claim,
                         MayStandBy may_stand_by);
  // Which of the `hosts` best is taken: a draw among the first host_subset_size of them.
  std::size_t DrawChosen(std::size_t hosts);
  // Puts all that are equally best, in the order they are tried, in a random one.
  template <class T>
  void Shuffle(std::span<T> best) {
    for (std::size_t left = best.size(); left > 1; --left) {
      std::swap(best[left - 1], best[shuffle_() % left]);
    }
  }
  // Where the sequences of draws are, to take draws back.
  struct Draws {
    std::mt19937_64 random, shuffle;
  };
  Draws draws() const { return {random_, shuffle_}; }
  void SetDraws(const Draws& draws) {
    random_ = draws.random;
    shuffle_ = draws.shuffle;
  }
  Scorer& scorer() { return scorer_; }

 private:
  Status Filter(const Fleet& fleet, const PreparedPipeline& prepared, std::size_t round,
                std::vector<HostIndex>& hosts) const;
  // Puts the hosts of the greatest total in a random order, in the places they have.
  void ShuffleBest(std::vector<HostIndex>& hosts, const std::vector<double>& totals);
  // The `wanted` best, after the random choice among the first host_subset_size.
  std::vector<HostIndex> Order(const std::vector<HostIndex>& hosts,
                               const std::vector<double>& totals, std::size_t wanted,
                               std::size_t chosen) const;
  Status SelectOne(const Fleet& fleet, const PlacementRequest& request,
                   const PreparedPipeline& prepared, std::vector<HostIndex> hosts,
                   std::size_t alternates, TryClaim try_claim, MayStandBy may_stand_by,
                   Picks& result);
  Status SelectMany(const Fleet& fleet, const PlacementRequest& request,
                    const PreparedPipeline& prepared, std::vector<HostIndex> hosts,
                    std::size_t alternates, TryClaim try_claim, MayStandBy may_stand_by,
                    Picks& result);

  // The best that are in the chosen host's cell and were not chosen for any instance.
  void AddAlternates(const Fleet& fleet, const std::vector<HostIndex>& hosts, std::size_t most,
                     MayStandBy may_stand_by, Picks& picks) const;

  const Pipeline& pipeline_;
  Scorer scorer_;
  std::mt19937_64 random_, shuffle_;
};

}  // namespace kilonova::scheduler::core
