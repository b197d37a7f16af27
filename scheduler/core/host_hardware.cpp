// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/host_hardware.h"

#include <algorithm>
#include <utility>

namespace kilonova::scheduler::core {
namespace {

hardware::PciAffinity AffinityOf(const hardware::HostNumaTopology* host,
                                 const std::optional<hardware::InstanceNumaTopology>& numa) {
  hardware::PciAffinity affinity{.host = host, .cell_ids = {}};
  if (!numa) return affinity;
  for (const auto& cell : numa->cells) affinity.cell_ids.push_back(cell.id);
  return affinity;
}

}  // namespace

HostHardware::HostHardware(std::optional<hardware::HostNumaTopology> numa,
                           std::vector<hardware::PciDevicePool> pools)
    : reported_numa_(std::move(numa)), reported_pools_(std::move(pools)), pci_(reported_pools_) {
  if (reported_numa_ && !reported_numa_->cells.empty()) numa_ = reported_numa_;
}

std::int64_t HostHardware::FreeDevices() const {
  std::int64_t free = 0;
  for (const auto& pool : pci_.Pools()) free += pool.count;
  return free;
}

bool HostHardware::RefusesNuma() const {
  return numa_ && std::ranges::any_of(numa_->cells, [](const hardware::HostNumaCell& cell) {
           return cell.siblings.empty() ||
                  std::ranges::any_of(cell.mempages, [](const hardware::HostPages& pages) {
                    return pages.size_kb == 0;
                  });
         });
}

bool HostHardware::TakeNuma(HardwareUse& use, const HardwareWish& wish) {
  if (!numa_ || !wish.numa || wish.numa->cells.empty()) return true;
  auto fitted = hardware::FitInstanceToHost({.host = *numa_,
                                             .instance = *wish.numa,
                                             .limits = wish.limits,
                                             .pci_requests = wish.pci.empty() ? nullptr : &wish.pci,
                                             .pci_stats = &pci_,
                                             .order = wish.order});
  if (!fitted.ok()) return false;
  wish.numa = *std::move(fitted);
  if (!wish.numa) return true;
  auto usage = hardware::UsageAfter(*numa_, *wish.numa, hardware::Usage::kTake);
  if (!usage.ok()) return false;
  numa_ = *std::move(usage);
  use.numa = wish.numa;
  return true;
}

bool HostHardware::Take(const UuidKey& instance, const HardwareWish& wish) {
  HardwareUse use;
  use.requests = wish.pci;
  bool taken = TakeNuma(use, wish);
  if (taken && !wish.pci.empty()) {
    auto devices = pci_.Apply(wish.pci, AffinityOf(numa(), wish.numa));
    taken = devices.ok();
    if (taken) use.devices = *std::move(devices);
  }
  if (use.numa || !use.devices.empty()) uses_.insert_or_assign(instance, std::move(use));
  return taken;
}

std::optional<HardwareUse> HostHardware::Give(const UuidKey& instance) {
  const auto found = uses_.find(instance);
  if (found == uses_.end()) return std::nullopt;
  HardwareUse use = std::move(found->second);
  uses_.erase(found);
  if (use.measured) return use;
  if (use.numa && numa_) {
    // What the host no longer has, as it was reported anew meanwhile, cannot be given back.
    auto usage = hardware::UsageAfter(*numa_, *use.numa, hardware::Usage::kFree);
    if (usage.ok()) numa_ = *std::move(usage);
  }
  pci_.Return(use.devices);
  return use;
}

const HardwareUse* HostHardware::Find(const UuidKey& instance) const {
  const auto found = uses_.find(instance);
  return found == uses_.end() ? nullptr : &found->second;
}

void HostHardware::Restore(const UuidKey& instance, HardwareUse use) {
  // Taken from nothing here, so nothing is to be given back before that report.
  use.measured = true;
  uses_.insert_or_assign(instance, std::move(use));
}

void HostHardware::Inherit(HostHardware&& before, const absl::flat_hash_set<UuidKey>& measured) {
  // In an order that is the same everywhere, as it decides who gets which devices.
  std::vector<UuidKey> instances;
  for (const auto& use : before.uses_) instances.push_back(use.first);
  std::ranges::sort(instances);
  for (const UuidKey& instance : instances) {
    HardwareUse& held = before.uses_.at(instance);
    if (measured.contains(instance)) {
      held.measured = true;
      uses_.emplace(instance, std::move(held));
      continue;
    }
    HardwareUse use;
    use.requests = std::move(held.requests);
    if (held.numa && numa_) {
      auto usage = hardware::UsageAfter(*numa_, *held.numa, hardware::Usage::kTake);
      if (usage.ok()) {
        numa_ = *std::move(usage);
        use.numa = std::move(held.numa);
      }
    }
    if (!held.devices.empty()) {
      auto devices = pci_.Apply(use.requests, AffinityOf(numa(), use.numa));
      if (devices.ok()) use.devices = *std::move(devices);
    }
    if (use.numa || !use.devices.empty()) uses_.emplace(instance, std::move(use));
  }
}

}  // namespace kilonova::scheduler::core
