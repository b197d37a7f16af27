// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/provider_trees.h"

#include <algorithm>

#include "scheduler/core/providers/allocation_candidates.h"

namespace kilonova::scheduler::core {

std::string AtProvider(std::string_view resource_class, std::string_view provider) {
  return std::string(resource_class) + kAtProvider + std::string(provider);
}

void ProviderTrees::CountClasses(const model::Inventories& inventories, std::int64_t sign) {
  for (const auto& [name, inventory] : inventories) {
    if ((classes_[name] += sign) == 0) classes_.erase(name);
  }
}

void ProviderTrees::Count(const Tree& tree, std::int64_t sign) {
  for (const NestedProvider& provider : tree.nested) CountClasses(provider.inventories, sign);
}

void ProviderTrees::Share(const SharingProvider& provider) {
  Pool& pool = pools_[provider.name];
  if (pool.known) {
    CountClasses(pool.provider.inventories, -1);
  } else {
    ++sharing_;
  }
  pool.provider = provider;
  pool.known = true;
  ++shared_version_;
  ++pools_version_;
  CountClasses(pool.provider.inventories, 1);
}

bool ProviderTrees::Unshare(std::string_view name) {
  const auto found = pools_.find(name);
  if (found == pools_.end() || !found->second.known || !found->second.used.empty()) return false;
  CountClasses(found->second.provider.inventories, -1);
  pools_.erase(found);
  --sharing_;
  ++shared_version_;
  ++pools_version_;
  return true;
}

std::vector<SharingProvider> ProviderTrees::Shared() const {
  std::vector<SharingProvider> shared;
  for (const auto& [name, pool] : pools_) {
    if (pool.known) shared.push_back(pool.provider);
  }
  return shared;
}

model::Resources ProviderTrees::UsedOfShared(std::string_view name) const {
  const auto found = pools_.find(name);
  return found == pools_.end() ? model::Resources() : found->second.used;
}

bool ProviderTrees::SharedHaveRoom(const model::Resources& amounts, std::int64_t times) const {
  return std::ranges::all_of(pools_, [&](const auto& entry) {
    const Pool& pool = entry.second;
    return !pool.known || std::ranges::all_of(amounts, [&](const auto& wanted) {
      const auto& [name, amount] = wanted;
      const auto inventory = pool.provider.inventories.find(name);
      if (inventory == pool.provider.inventories.end()) return true;
      const auto used = pool.used.find(name);
      const std::int64_t taken = used == pool.used.end() ? 0 : used->second;
      return amount <= (inventory->second.Capacity() - taken) / times;
    });
  });
}

bool ProviderTrees::Serves(const Pool& pool, const std::set<std::string>& aggregates) {
  return pool.known && std::ranges::any_of(pool.provider.aggregates, [&](const auto& uuid) {
           return aggregates.contains(uuid);
         });
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
  if (trees_.empty() && sharing_ == 0) return false;
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
  if (provider.starts_with(kAtProvider)) {
    const auto pool = pools_.find(provider.substr(1));
    if (pool == pools_.end()) return 0;
    const auto amount = pool->second.used.find(resource_class);
    return amount == pool->second.used.end() ? 0 : amount->second;
  }
  const auto tree = trees_.find(host);
  if (tree == trees_.end()) return 0;
  const auto used = tree->second.used.find(provider);
  if (used == tree->second.used.end()) return 0;
  const auto amount = used->second.find(resource_class);
  return amount == used->second.end() ? 0 : amount->second;
}

const model::Inventory* ProviderTrees::FindInventory(HostIndex host,
                                                     const Footprint::Nested& wanted) const {
  const model::Inventories* inventories = nullptr;
  if (wanted.provider.starts_with(kAtProvider)) {
    const auto pool = pools_.find(std::string_view(wanted.provider).substr(1));
    if (pool != pools_.end() && pool->second.known)
      inventories = &pool->second.provider.inventories;
  } else if (const NestedProvider* provider = Find(host, wanted.provider)) {
    inventories = &provider->inventories;
  }
  if (inventories == nullptr) return nullptr;
  const auto found = inventories->find(wanted.resource_class);
  return found == inventories->end() ? nullptr : &found->second;
}

bool ProviderTrees::Fits(HostIndex host, const std::vector<Footprint::Nested>& wanted) const {
  return std::ranges::all_of(wanted, [&](const Footprint::Nested& want) {
    const model::Inventory* inventory = FindInventory(host, want);
    return inventory != nullptr && inventory->AllowsUnit(want.amount) &&
           UsedOf(host, want.provider, want.resource_class) + want.amount <= inventory->Capacity();
  });
}

void ProviderTrees::Consume(HostIndex host, const std::vector<Footprint::Nested>& wanted,
                            std::int64_t sign) {
  const auto count = [sign](model::Resources& used, const Footprint::Nested& want) {
    if ((used[want.resource_class] += sign * want.amount) == 0) used.erase(want.resource_class);
    return used.empty();
  };
  for (const Footprint::Nested& want : wanted) {
    if (want.provider.starts_with(kAtProvider)) {
      ++shared_version_;
      const std::string name = want.provider.substr(1);
      Pool& pool = pools_[name];
      if (count(pool.used, want) && !pool.known) pools_.erase(name);
      continue;
    }
    Tree& tree = trees_[host];
    if (count(tree.used[want.provider], want)) tree.used.erase(want.provider);
    if (tree.nested.empty() && tree.used.empty()) trees_.erase(host);
  }
}

void ProviderTrees::AddUsed(HostIndex host, model::Resources& used) const {
  const auto tree = trees_.find(host);
  if (tree == trees_.end()) return;
  for (const auto& [provider, amounts] : tree->second.used) {
    for (const auto& [name, amount] : amounts) used.emplace(AtProvider(name, provider), amount);
  }
}

bool ProviderTrees::MayAllocate(HostIndex host, const std::vector<Aggregate>& aggregates,
                                const ResourceRequest& request) const {
  if (trees_.contains(host)) return true;
  if (sharing_ == 0) return false;
  std::set<std::string> uuids;
  for (const Aggregate& aggregate : aggregates) uuids.insert(aggregate.uuid);
  return std::ranges::any_of(pools_, [&](const auto& entry) {
    const Pool& pool = entry.second;
    if (!Serves(pool, uuids)) return false;
    return std::ranges::any_of(request.groups, [&](const RequestGroup& group) {
      return std::ranges::any_of(group.resources, [&](const auto& wanted) {
        return pool.provider.inventories.contains(wanted.first);
      });
    });
  });
}

std::optional<model::Resources> ProviderTrees::Allocate(HostIndex host, Provider root,
                                                        const ResourceRequest& request) const {
  const std::string anchor = root.uuid;
  const std::set<std::string> aggregates = root.aggregates;
  std::vector<Provider> providers{std::move(root)};
  if (const auto found = trees_.find(host); found != trees_.end()) {
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
  }
  for (const auto& [name, pool] : pools_) {
    if (!Serves(pool, aggregates)) continue;
    Provider provider;
    provider.uuid = std::string(1, kAtProvider) + name;
    provider.inventories = pool.provider.inventories;
    provider.traits.insert(pool.provider.traits.begin(), pool.provider.traits.end());
    provider.traits.emplace(kSharesViaAggregate);
    provider.aggregates.insert(pool.provider.aggregates.begin(), pool.provider.aggregates.end());
    provider.used = pool.used;
    providers.push_back(std::move(provider));
  }
  if (providers.size() == 1) return std::nullopt;
  // The host comes first among the anchors: what another one serves is not of this host.
  const auto candidates = AllocationCandidates(providers, request, 1);
  if (candidates.empty() || candidates.front().anchor != anchor) return std::nullopt;
  model::Resources resources;
  for (const auto& [key, amount] : candidates.front().allocations) {
    const auto& [provider, name] = key;
    resources[provider == anchor ? name : AtProvider(name, provider)] += amount;
  }
  return resources;
}

}  // namespace kilonova::scheduler::core
