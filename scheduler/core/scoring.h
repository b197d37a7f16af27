// SPDX-License-Identifier: Apache-2.0
// Nova's weighing: each weigher's raw values are brought to 0..1 over the hosts at hand, multiplied
// and summed; the greatest sum wins and ties keep the order the hosts came in.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::core {

// One weigher's values for a list of hosts, in its order.
struct WeigherScores {
  std::vector<double> raw, normalized, multiplier;
};

class Scorer {
 public:
  explicit Scorer(const std::vector<std::unique_ptr<Weigher>>& weighers) : weighers_(weighers) {}

  // Sum of all weighers per host. A single host is not weighed: its total is 0.
  const std::vector<double>& Totals(const Fleet& fleet, const PlacementRequest& request,
                                    std::span<const HostIndex> hosts);
  // Not OK when a weigher cannot weigh these hosts. Asked before the totals.
  Status Check(const Fleet& fleet, std::span<const HostIndex> hosts) const;
  // The same, weigher by weigher.
  std::vector<WeigherScores> Details(const Fleet& fleet, const PlacementRequest& request,
                                     std::span<const HostIndex> hosts);

 private:
  // MultiplierFor by aggregates id, for one weigher.
  struct Multipliers {
    std::uint64_t version = 0;
    bool uniform = true;
    bool finite = true;
    std::vector<double> by_aggregates;
  };
  const Multipliers& MultipliersOf(const Fleet& fleet, std::size_t weigher);
  // Fills raw_ with clamped values and returns what normalisation subtracts and divides by.
  struct Range {
    double low = 0;
    double span = 0;  // 0: all normalise to 0
  };
  Range Weigh(const Fleet& fleet, const PlacementRequest& request, std::span<const HostIndex> hosts,
              std::size_t weigher);

  const std::vector<std::unique_ptr<Weigher>>& weighers_;
  std::vector<Multipliers> multipliers_;
  std::vector<double> raw_, totals_;
};

// What counts for a host in these aggregates: the least of the values they give for the weigher's
// key, the configured multiplier if they give none or something that is no number.
double MultiplierFor(const std::vector<Aggregate>& aggregates, const Weigher& weigher);

// The `wanted` hosts of the greatest totals, best first; equal totals in the order of `hosts`. A
// total that is no number counts as the least.
std::vector<HostIndex> BestOf(std::span<const HostIndex> hosts, std::span<const double> totals,
                              std::size_t wanted);

}  // namespace kilonova::scheduler::core
