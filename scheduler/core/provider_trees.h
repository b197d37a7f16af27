// SPDX-License-Identifier: Apache-2.0
// Providers nested in hosts (GPUs, NUMA nodes, NICs) and what claims take from them. The host
// itself, the root, stays in the fleet's columns: most hosts nest nothing. Not thread-safe.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/resources.h"
#include "scheduler/core/footprint.h"
#include "scheduler/core/host_state.h"
#include "scheduler/core/pipeline.h"
#include "scheduler/core/providers/provider.h"
#include "scheduler/core/resource_request/resource_request.h"

namespace kilonova::scheduler::core {

// A class of a claim that a nested provider serves is written "VGPU@gpu-0".
inline constexpr char kAtProvider = '@';
std::string AtProvider(std::string_view resource_class, std::string_view provider);

class ProviderTrees {
 public:
  // ---- what hosts share. A class of a claim that such a provider serves is "DISK_GB@@pool".
  // Replaces the provider of that name; what claims take from it stays.
  void Share(const SharingProvider& provider);
  // False, and nothing happens, when there is none or claims hold something of it.
  bool Unshare(std::string_view name);
  std::vector<SharingProvider> Shared() const;
  model::Resources UsedOfShared(std::string_view name) const;
  bool AnyShared() const { return sharing_ > 0; }
  // Changes with whatever is shared, or is taken of it.
  std::uint64_t SharedVersion() const { return shared_version_; }
  // Changes with whatever is shared.
  std::uint64_t PoolsVersion() const { return pools_version_; }
  // Whether of every class a pool has room for so many times the amount, so that what is taken of
  // it by then decides nothing.
  bool SharedHaveRoom(const model::Resources& amounts, std::int64_t times) const;

  // ---- what nests in a host
  // Replaces the providers nested in the host; what claims take from those by name stays.
  void Set(HostIndex host, const std::vector<NestedProvider>& nested);
  void Remove(HostIndex host) { Set(host, {}); }
  bool Empty() const { return trees_.empty(); }
  bool Has(HostIndex host) const { return trees_.contains(host); }
  std::vector<NestedProvider> NestedIn(HostIndex host) const;
  // Whether any host nests a provider of a class the request wants.
  bool MayServe(const ResourceRequest& request) const;
  // Whether any host nests or shares a provider of that class.
  bool HaveClass(std::string_view name) const { return classes_.contains(name); }

  bool Fits(HostIndex host, const std::vector<Footprint::Nested>& wanted) const;
  void Consume(HostIndex host, const std::vector<Footprint::Nested>& wanted, std::int64_t sign);
  void AddUsed(HostIndex host, model::Resources& used) const;

  // What serves the request on this host, `root` being the host itself: amounts by class, nested
  // ones AtProvider. Nothing when nothing does, or the host nests no provider.
  std::optional<model::Resources> Allocate(HostIndex host, Provider root,
                                           const ResourceRequest& request) const;
  // False when it can be told at a glance that nothing of that host does: no provider it nests or
  // shares has a class of the request.
  bool MayAllocate(HostIndex host, const std::vector<Aggregate>& aggregates,
                   const ResourceRequest& request) const;

 private:
  struct Tree {
    std::vector<NestedProvider> nested;
    std::map<std::string, model::Resources, std::less<>> used;  // by provider
  };
  struct Pool {
    SharingProvider provider;
    bool known = false;  // false: claims hold something of one that is not there
    model::Resources used;
  };
  static bool Serves(const Pool& pool, const std::set<std::string>& aggregates);
  void CountClasses(const model::Inventories& inventories, std::int64_t sign);
  const model::Inventory* FindInventory(HostIndex host, const Footprint::Nested& wanted) const;
  const NestedProvider* Find(HostIndex host, std::string_view provider) const;
  std::int64_t UsedOf(HostIndex host, std::string_view provider,
                      std::string_view resource_class) const;
  void Count(const Tree& tree, std::int64_t sign);

  absl::flat_hash_map<HostIndex, Tree> trees_;
  std::map<std::string, Pool, std::less<>> pools_;
  std::size_t sharing_ = 0;  // pools that are known
  std::uint64_t shared_version_ = 0, pools_version_ = 0;
  std::map<std::string, std::int64_t, std::less<>> classes_;  // providers that have it
};

}  // namespace kilonova::scheduler::core
