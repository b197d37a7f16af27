// SPDX-License-Identifier: Apache-2.0
// Placement's rules besides amounts, as far as a host alone can meet them: traits, aggregates and
// the isolation of groups. What the host's nested providers may add is for PlacementCheck.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"
#include "scheduler/core/placement.h"

namespace kilonova::scheduler::core {

// A host that is disabled has it, whatever it reports.
inline constexpr std::string_view kStatusDisabled = "COMPUTE_STATUS_DISABLED";

class PlacementRules : public PreparedFilter {
 public:
  // Keeps a reference to `request`. Verdicts of trait lists and aggregates are kept from host to
  // host: the fleet must not change meanwhile.
  explicit PlacementRules(const PlacementRequest& request);
  // True when every host meets them.
  bool Empty() const { return empty_; }
  // False when hosts alike in traits and aggregates are judged alike.
  bool JudgesByHost() const { return by_host_; }
  Judgement Judge(const Fleet& fleet, HostIndex host) const override;
  bool MayRaise(const Fleet& /*fleet*/) const override { return false; }
  Status Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const override;
  void Describe(const Fleet& fleet, HostIndex host, FilterVerdict& verdict) const override;

 private:
  bool Meets(const Fleet& fleet, HostIndex host) const;
  bool TraitsMeet(const Words& traits, bool disabled) const;
  bool AggregatesMeet(const std::vector<Aggregate>& aggregates) const;
  bool UnitsMeet(const Fleet& fleet, HostIndex host) const;

  const ResourceRequest* request_ = nullptr;  // null: nothing asked
  bool empty_ = true;
  bool by_host_ = false;
  bool never_ = false;  // groups that must not share a provider
  TraitNames required_, forbidden_;
  std::vector<TraitNames> any_;
  // Of classes several groups want: what each takes at once.
  std::vector<std::pair<std::string, std::int64_t>> units_;
  // By id, 0 = not known yet, 1 = no, 2 = yes; traits of enabled hosts and of disabled ones.
  mutable std::vector<std::uint8_t> by_traits_[2], by_aggregates_;
};

}  // namespace kilonova::scheduler::core
