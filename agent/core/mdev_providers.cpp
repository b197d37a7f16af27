// SPDX-License-Identifier: Apache-2.0
#include "agent/core/mdev_providers.h"

namespace kilonova::agent::core {

std::vector<model::NestedProvider> MdevProviders(const hardware::MdevTypes& types,
                                                 const hardware::MdevMachine& machine,
                                                 const std::string& node) {
  std::vector<model::NestedProvider> providers;
  for (const auto& [parent, inventory] : hardware::MdevInventories(types, machine)) {
    model::NestedProvider& provider = providers.emplace_back();
    provider.name = node + "_" + parent;
    provider.inventories[types.ClassOf(parent)] = inventory;
    provider.traits = types.TraitsOf(parent);
  }
  return providers;
}

std::vector<hardware::MdevRequest> MdevsWanted(const model::BuildRequest& build,
                                               const hardware::MdevTypes& types,
                                               const std::string& node) {
  std::vector<hardware::MdevRequest> wanted;
  for (const auto& [provider, resources] : build.allocations) {
    const std::string prefix = node + "_";
    const bool ours = provider.starts_with(prefix);
    for (const auto& [name, amount] : resources) {
      if (name != hardware::kVgpu && !types.Serves(name)) continue;
      // One that is no GPU of this host's has no room either.
      wanted.push_back({ours ? provider.substr(prefix.size()) : provider, name, amount});
    }
  }
  return wanted.empty() ? hardware::MdevsAsked(build.flavor, types) : wanted;
}

}  // namespace kilonova::agent::core
