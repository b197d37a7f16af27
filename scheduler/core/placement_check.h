// SPDX-License-Identifier: Apache-2.0
// Placement's whole part of a decision: whether a host has an allocation candidate for the request,
// and which one a claim takes. Runs before the filters and is shown as filter "Placement".
#pragma once

#include <optional>

#include "scheduler/core/fleet.h"
#include "scheduler/core/inventory_check.h"
#include "scheduler/core/placement_rules.h"

namespace kilonova::scheduler::core {

class PlacementCheck : public PreparedFilter {
 public:
  // Keeps references to all; `footprint` is all of the request taken from the host itself. A host
  // passes too where `fallback` has a candidate (null: there is none).
  PlacementCheck(const PlacementRequest& request, const Footprint& footprint,
                 const PlacementCheck* fallback = nullptr)
      : request_(request),
        footprint_(footprint),
        rules_(request),
        inventory_(footprint),
        fallback_(fallback) {}
  Judgement Judge(const Fleet& fleet, HostIndex host) const override;
  Status Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const override;
  void Describe(const Fleet& fleet, HostIndex host, FilterVerdict& verdict) const override;
  double Nearness(const Fleet& fleet, HostIndex host) const override;
  bool MayRaise(const Fleet& /*fleet*/) const override { return false; }

  // The host itself serves all of the footprint.
  bool RootServes(const Fleet& fleet, HostIndex host) const;
  // Traits, aggregates and groups are to the request's liking on the host itself.
  bool RulesMeet(const Fleet& fleet, HostIndex host) const {
    return rules_.Judge(fleet, host) == Judgement::kPass;
  }
  // What else of the host serves the request; nothing when nothing does.
  std::optional<model::Resources> Allocate(const Fleet& fleet, HostIndex host) const;

 private:
  const PlacementRequest& request_;
  const Footprint& footprint_;
  PlacementRules rules_;
  InventoryCheck inventory_;
  const PlacementCheck* fallback_;
};

}  // namespace kilonova::scheduler::core
