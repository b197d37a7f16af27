// SPDX-License-Identifier: Apache-2.0
// Placement's part of a decision: a host is a candidate when every class of the request fits what
// is left of its inventory. Runs before the filters and is shown as filter "Placement".
#pragma once

#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::core {

inline constexpr std::string_view kPlacementFilter = "Placement";

class InventoryCheck : public PreparedFilter {
 public:
  // Keeps a reference to `footprint`.
  explicit InventoryCheck(const Footprint& footprint) : footprint_(footprint) {}
  Judgement Judge(const Fleet& fleet, HostIndex host) const override;
  Status Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const override;
  void Describe(const Fleet& fleet, HostIndex host, FilterVerdict& verdict) const override;
  double Nearness(const Fleet& fleet, HostIndex host) const override;

 private:
  const Footprint& footprint_;
};

}  // namespace kilonova::scheduler::core
