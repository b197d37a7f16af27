// SPDX-License-Identifier: Apache-2.0
// Hosts for all instances of one request, round by round: each round weighs the same hosts anew,
// and hosts of equal totals keep the order of the round before.
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
  bool MayHaveBefore(bool one_point, std::span<const double> corner, HostIndex first,
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
  // Raw values and the rounds they were the host's: from `since` to the one looked at.
  struct Stretch {
    std::size_t since = 0;
    const Raw* raw = nullptr;
  };

  bool NextRound();
  std::optional<HostIndex> Claim(std::size_t instance, Selector::TryClaim try_claim);
  void NotePick(HostIndex host);
  void AddAlternates(std::size_t most, Picks& picks);
  const Picked* FindPicked(HostIndex host) const;
  std::uint32_t MultipliersOf(HostIndex host) const;
  void ReadUnpicked(HostIndex host, Raw& raw) const;
  void ReadNow(HostIndex host, Raw& raw) const;
  // `scratch` takes the values of a host that was not picked.
  Stretch StretchIn(std::size_t round, HostIndex host, Raw& scratch) const;

  const Fleet& fleet_;
  HostPoints& points_;
  RequestClass& of_;
  Search search_;
  std::vector<std::vector<Range>> rounds_;
  std::vector<Picked> picked_;
  absl::flat_hash_map<HostIndex, std::size_t> position_;  // in picked_
  std::vector<HostIndex> seeds_;
  std::vector<Found> best_;
  mutable Raw scratch_a_, scratch_b_, values_;
};

}  // namespace kilonova::scheduler::core::fast
