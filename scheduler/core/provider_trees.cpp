// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/provider_trees.h"

#include <algorithm>

#include "scheduler/core/providers/allocation_candidates.h"

namespace kilonova::scheduler::core {

std::string AtProvider(std::string_view resource_class, std::string_view provider) {
  return std::string(resource_class) + kAtProvider + std::string(provider);
}

void ProviderTrees::Count(const Tree& tree, std::int64_t sign) {
  for (const NestedProvider& provider : tree.nested) {
    for (const auto& [name, inventory] : provider.inventories) {
      if ((classes_[name] += sign) == 0) classes_.erase(name);
    }
  }
}

void ProviderTrees::Set(HostIndex host, const std::vector<NestedProvider>& nested) {
  const auto found = trees_.find(host);
  if (found == trees_.end()) {
    if (nested.empty()) return;
    Tree& tree = trees_[host];
    tree.nested = nested;
    Count(tree, 1);
    return;
  }
  Tree& tree = found->second;
  Count(tree, -1);
  tree.nested = nested;
  Count(tree, 1);
  if (nested.empty() && tree.used.empty()) trees_.erase(found);
}

std::vector<NestedProvider> ProviderTrees::NestedIn(HostIndex host) const {
  const auto found = trees_.find(host);
  return found == trees_.end() ? std::vector<NestedProvider>{} : found->second.nested;
}

bool ProviderTrees::MayServe(const ResourceRequest& request) const {
  if (trees_.empty()) return false;
  return std::ranges::any_of(request.groups, [&](const RequestGroup& group) {
    return group.resources.empty() || std::ranges::any_of(group.resources, [&](const auto& entry) {
             return classes_.contains(entry.first);
           });
  });
}

const NestedProvider* ProviderTrees::Find(HostIndex host, std::string_view provider) const {
  const auto tree = trees_.find(host);
  if (tree == trees_.end()) return nullptr;
  const auto found = std::ranges::find(tree->second.nested, provider, &NestedProvider::name);
  return found == tree->second.nested.end() ? nullptr : &*found;
}

std::int64_t ProviderTrees::UsedOf(HostIndex host, std::string_view provider,
                                   std::string_view resource_class) const {
  const auto tree = trees_.find(host);
  if (tree == trees_.end()) return 0;
  const auto used = tree->second.used.find(provider);
  if (used == tree->second.used.end()) return 0;
  const auto amount = used->second.find(resource_class);
  return amount == used->second.end() ? 0 : amount->second;
}

bool ProviderTrees::Fits(HostIndex host, const std::vector<Footprint::Nested>& wanted) const {
  return std::ranges::all_of(wanted, [&](const Footprint::Nested& want) {
    const NestedProvider* provider = Find(host, want.provider);
    if (provider == nullptr) return false;
    const auto inventory = provider->inventories.find(want.resource_class);
    return inventory != provider->inventories.end() && inventory->second.AllowsUnit(want.amount) &&
           UsedOf(host, want.provider, want.resource_class) + want.amount <=
               inventory->second.Capacity();
  });
}

void ProviderTrees::Consume(HostIndex host, const std::vector<Footprint::Nested>& wanted,
                            std::int64_t sign) {
  if (wanted.empty()) return;
  Tree& tree = trees_[host];
  for (const Footprint::Nested& want : wanted) {
    model::Resources& used = tree.used[want.provider];
    if ((used[want.resource_class] += sign * want.amount) == 0) used.erase(want.resource_class);
    if (used.empty()) tree.used.erase(want.provider);
  }
  if (tree.nested.empty() && tree.used.empty()) trees_.erase(host);
}

void ProviderTrees::AddUsed(HostIndex host, model::Resources& used) const {
  const auto tree = trees_.find(host);
  if (tree == trees_.end()) return;
  for (const auto& [provider, amounts] : tree->second.used) {
    for (const auto& [name, amount] : amounts) used.emplace(AtProvider(name, provider), amount);
  }
}

std::optional<model::Resources> ProviderTrees::Allocate(HostIndex host, Provider root,
                                                        const ResourceRequest& request) const {
  const auto found = trees_.find(host);
  if (found == trees_.end()) return std::nullopt;
  const std::string anchor = root.uuid;
  std::vector<Provider> providers{std::move(root)};
  for (const NestedProvider& nested : found->second.nested) {
    Provider provider;
    provider.uuid = nested.name;
    provider.parent = nested.parent.empty() ? anchor : nested.parent;
    provider.inventories = nested.inventories;
    provider.traits.insert(nested.traits.begin(), nested.traits.end());
    const auto used = found->second.used.find(nested.name);
    if (used != found->second.used.end()) provider.used = used->second;
    providers.push_back(std::move(provider));
  }
  const auto candidates = AllocationCandidates(providers, request, 1);
  if (candidates.empty()) return std::nullopt;
  model::Resources resources;
  for (const auto& [key, amount] : candidates.front().allocations) {
    const auto& [provider, name] = key;
    resources[provider == anchor ? name : AtProvider(name, provider)] += amount;
  }
  return resources;
}

}  // namespace kilonova::scheduler::core
