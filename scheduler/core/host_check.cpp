// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/host_check.h"

#include <cmath>
#include <set>
#include <string>

#include "scheduler/core/inventory_check.h"

namespace kilonova::scheduler::core {
namespace {

constexpr std::int64_t kMostUnits = INT32_MAX;

Status BadInventory(const std::string& name, std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
               {{"field", "inventories." + name}});
}

}  // namespace

Status ValidateInventories(const model::Inventories& inventories) {
  for (const auto& [name, inventory] : inventories) {
    if (name.find(kAtProvider) != std::string::npos) {
      return BadInventory(name, "a resource class has no '@' in its name");
    }
    if (inventory.total < 0 || inventory.total > kMostUnits || inventory.reserved < 0 ||
        inventory.reserved > kMostUnits) {
      return BadInventory(name, "total and reserved must be from 0 to 2147483647");
    }
    if (inventory.min_unit < 1 || inventory.max_unit < 1 || inventory.step_size < 1) {
      return BadInventory(name, "min_unit, max_unit and step_size must be 1 or more");
    }
    const double ratio = inventory.allocation_ratio;
    if (!std::isfinite(ratio) || ratio <= 0 || ratio > 1e6) {
      return BadInventory(name, "allocation_ratio must be above 0 and at most 1000000");
    }
  }
  return OkStatus();
}

namespace {

// Each is named once and nested in the host or in one named before it.
Status ValidateNested(const std::vector<NestedProvider>& nested) {
  const auto bad = [](const std::string& name, std::string_view message) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
                 {{"field", "nested." + name}});
  };
  if (nested.size() > kMostNestedProviders) return bad("", "too many nested providers");
  std::set<std::string> names;
  for (const NestedProvider& provider : nested) {
    if (provider.name.empty() || provider.name.size() > 200 ||
        provider.name.find(kAtProvider) != std::string::npos) {
      return bad(provider.name.substr(0, 200),
                 "a provider's name has 1 to 200 characters and no '@'");
    }
    if (!provider.parent.empty() && !names.contains(provider.parent)) {
      return bad(provider.name, "the parent must be listed before its children");
    }
    if (!names.insert(provider.name).second) return bad(provider.name, "named twice");
    RETURN_IF_ERROR(ValidateInventories(provider.inventories));
  }
  return OkStatus();
}

}  // namespace

Status ValidateHost(const HostState& state) {
  if (!IsValidHostName(state.host)) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, "bad host name",
                 {{"field", "host"}});
  }
  for (const auto& [name, value] : state.metrics) {
    if (!std::isfinite(value)) {
      return Error(Code::kInvalidArgument, reason::kInvalidArgument, "a metric must be finite",
                   {{"field", "metrics." + name}});
    }
  }
  RETURN_IF_ERROR(ValidateInventories(state.inventories));
  return ValidateNested(state.nested);
}

}  // namespace kilonova::scheduler::core
