// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/inventory_check.h"

#include <algorithm>

namespace kilonova::scheduler::core {
namespace {

void Append(std::string& text, const std::string& piece) {
  if (!text.empty()) text += ", ";
  text += piece;
}

// What about the unit of an allocation is not to the inventory's liking; "" = nothing.
std::string UnitComplaint(const ClassColumn& column, HostIndex host, std::int64_t amount) {
  if (column.units[host].max_unit == 0) return "no inventory";
  if (amount < column.min_unit[host]) return "at least " + std::to_string(column.min_unit[host]);
  if (amount > column.units[host].max_unit) {
    return "at most " + std::to_string(column.units[host].max_unit) + " at once";
  }
  if (amount % column.step_size[host] != 0) {
    return "steps of " + std::to_string(column.step_size[host]);
  }
  return {};
}

}  // namespace

Judgement InventoryCheck::Judge(const Fleet& fleet, HostIndex host) const {
  return fleet.Fits(host, footprint_) ? Judgement::kPass : Judgement::kRefuse;
}

// Class by class, so that each pass reads a few columns from end to end.
Status InventoryCheck::Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const {
  for (std::size_t i = 0; i < footprint_.classes.size(); ++i) {
    const ClassColumn& column = fleet.Class(footprint_.classes[i]);
    const std::int64_t amount = footprint_.amounts[i];
    if (column.odd_units == 0) {
      const ClassColumn::Units* units = column.units.data();
      KeepIf(hosts, [units, amount](HostIndex host) { return amount <= units[host].room; });
    } else {
      KeepIf(hosts, [&](HostIndex host) { return column.Takes(host, amount); });
    }
  }
  return OkStatus();
}

void InventoryCheck::Describe(const Fleet& fleet, HostIndex host, FilterVerdict& verdict) const {
  for (std::size_t i = 0; i < footprint_.classes.size(); ++i) {
    const ClassColumn& column = fleet.Class(footprint_.classes[i]);
    const std::int64_t amount = footprint_.amounts[i];
    const std::string& name = footprint_.names[i];
    const std::int64_t left = column.units[host].capacity - column.units[host].used;
    const std::string complaint = UnitComplaint(column, host, amount);
    if (!verdict.passed && left >= amount && complaint.empty()) continue;  // this one fitted
    Append(verdict.need, name + " " + std::to_string(amount));
    if (complaint.empty()) {
      Append(verdict.have, name + " " + std::to_string(std::max<std::int64_t>(left, 0)) +
                               " free of " + std::to_string(column.units[host].capacity));
    } else {
      Append(verdict.have, name + " " + complaint);
    }
  }
}

double InventoryCheck::Nearness(const Fleet& fleet, HostIndex host) const {
  double least = 1.0;
  for (std::size_t i = 0; i < footprint_.classes.size(); ++i) {
    const ClassColumn& column = fleet.Class(footprint_.classes[i]);
    const auto left = static_cast<double>(column.units[host].capacity - column.units[host].used);
    least = std::min(least, left / static_cast<double>(footprint_.amounts[i]));
  }
  return least;
}

}  // namespace kilonova::scheduler::core
