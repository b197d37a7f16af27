// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pci_stats.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/hardware/errors.h"
#include "common/hardware/pci_pools.h"

namespace kilonova::hardware {
namespace {

constexpr std::array<std::string_view, 5> kPolicies = {"", "required", "legacy", "preferred",
                                                       "socket"};

bool AreAlike(const PciDevicePool& a, const PciDevicePool& b) {
  return a.vendor_id == b.vendor_id && a.product_id == b.product_id && a.numa_node == b.numa_node &&
         a.tags == b.tags;
}

// Takes the request's devices out of `pools` and notes them in `taken`; false, and nothing
// happens, when there are not enough.
bool Take(std::vector<PciDevicePool>& pools, const PciRequest& request, const PciAffinity& affinity,
          std::vector<PciDevicePool>& taken) {
  const auto usable = UsablePools(pools, request, affinity);
  if (!usable) return false;
  std::int64_t rest = request.count;
  std::vector<std::size_t> emptied;
  for (const std::size_t i : *usable) {
    const std::int64_t count = std::min(pools[i].count, rest);
    taken.push_back(pools[i]);
    taken.back().count = count;
    if (pools[i].count <= rest) emptied.push_back(i);
    pools[i].count -= count;
    rest -= count;
    if (rest == 0) break;
  }
  std::ranges::sort(emptied);
  while (!emptied.empty()) {
    pools.erase(pools.begin() + static_cast<std::ptrdiff_t>(emptied.back()));
    emptied.pop_back();
  }
  return true;
}

}  // namespace

std::string_view ToText(PciNumaPolicy policy) {
  return kPolicies[static_cast<std::size_t>(policy)];
}

std::optional<PciNumaPolicy> PciNumaPolicyFrom(std::string_view text) {
  const auto found = std::ranges::find(kPolicies, text);
  if (found == kPolicies.end()) return std::nullopt;
  return static_cast<PciNumaPolicy>(found - kPolicies.begin());
}

PciStats::PciStats(std::vector<PciDevicePool> pools) : pools_(std::move(pools)) {
  std::ranges::stable_sort(pools_, {}, Properties);
}

bool PciStats::Supports(const std::vector<PciRequest>& requests,
                        const PciAffinity& affinity) const {
  if (requests.empty()) return true;
  if (requests.size() == 1) return UsablePools(pools_, requests.front(), affinity).has_value();
  return PciStats(*this).Apply(requests, affinity).ok();
}

Expected<std::vector<PciDevicePool>> PciStats::Apply(const std::vector<PciRequest>& requests,
                                                     const PciAffinity& affinity) {
  std::vector<PciDevicePool> pools = pools_;
  std::vector<PciDevicePool> taken;
  for (const auto& request : requests) {
    if (!Take(pools, request, affinity, taken)) {
      return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                   "the host has not the PCI devices asked for",
                   {{kNovaException, "PciDeviceRequestFailed"}, {"alias", request.alias_name}});
    }
  }
  pools_ = std::move(pools);
  return taken;
}

void PciStats::Return(const std::vector<PciDevicePool>& taken) {
  for (const auto& devices : taken) {
    if (devices.count == 0) continue;
    const auto pool = std::ranges::find_if(
        pools_, [&](const PciDevicePool& known) { return AreAlike(known, devices); });
    if (pool != pools_.end()) {
      pool->count += devices.count;
    } else {
      pools_.push_back(devices);
    }
  }
  std::ranges::stable_sort(pools_, {}, Properties);
}

bool PciStats::HasRemoteManagedPools() const {
  const std::vector<PciSpec> spec = {{{std::string(kRemoteManaged), "True"}}};
  return std::ranges::any_of(pools_,
                             [&](const PciDevicePool& pool) { return MatchesSpec(pool, spec); });
}

}  // namespace kilonova::hardware
