// SPDX-License-Identifier: Apache-2.0
#include "agent/core/host_claims.h"

#include <algorithm>

#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

Status Exhausted(const std::string& name, const std::string& need, const std::string& free) {
  return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
               "the host has not enough left", {{"class", name}, {"need", need}, {"free", free}});
}

}  // namespace

Status HostClaims::CheckAmounts(const Uuid& instance, const model::Resources& resources,
                                const model::Inventories& inventories) const {
  for (const auto& [name, amount] : resources) {
    const auto inventory = inventories.find(name);
    std::int64_t free = 0;
    if (inventory != inventories.end()) {
      free = inventory->second.Capacity();
      for (const auto& [other, taken] : claims_) {
        if (other == instance) continue;
        if (const auto it = taken.resources.find(name); it != taken.resources.end()) {
          free -= it->second;
        }
      }
    }
    if (amount > free || (inventory != inventories.end() && amount > inventory->second.max_unit)) {
      return Exhausted(name, std::to_string(amount),
                       std::to_string(std::max<std::int64_t>(free, 0)));
    }
  }
  return OkStatus();
}

hardware::HostNumaClaims& HostClaims::BooksOf(const hardware::HostNumaTopology& host) {
  if (!numa_) {
    numa_.emplace(host);
    host_ = host;
    for (const auto& [uuid, share] : claims_) {
      if (!share.numa) continue;
      const Status adopted = numa_->Adopt(uuid, *share.numa);
      if (!adopted.ok()) {
        LogWarn("a guest has CPUs or memory the host no longer gives away",
                {F("instance", uuid), F("why", adopted)});
      }
    }
  } else if (*host_ != host) {
    numa_->SetHost(host);
    host_ = host;
  }
  return *numa_;
}

hardware::PciDevices HostClaims::DevicesBeside(
    const Uuid& instance, const std::vector<hardware::AssignablePciDevice>& devices) const {
  hardware::PciDevices left(devices);
  for (const auto& [other, share] : claims_) {
    if (other != instance) left.Adopt(share.pci_devices);
  }
  return left;
}

Expected<HostShare> HostClaims::Claim(const Uuid& instance, const model::Resources& resources,
                                      const model::Inventories& inventories,
                                      const HardwareRequest& wanted) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAmounts(instance, resources, inventories));
  HostShare share;
  share.resources = resources;
  const auto known = claims_.find(instance);
  const bool had_cells = known != claims_.end() && known->second.numa;
  if (known != claims_.end() && !wanted.pci.empty()) {
    share.pci_devices = known->second.pci_devices;
  }
  const bool wants_devices = !wanted.pci.empty() && share.pci_devices.empty();
  hardware::PciDevices devices;
  if (wants_devices) devices = DevicesBeside(instance, wanted.pci_devices);
  const hardware::PciStats free = devices.Free();
  if (wanted.numa) {
    if (!wanted.host) return Exhausted("NUMA", "NUMA cells", "none");
    ASSIGN_OR_RETURN(share.numa,
                     BooksOf(*wanted.host)
                         .Claim(instance, {.numa = *wanted.numa,
                                           .limits = &wanted.limits,
                                           .pci_requests = wants_devices ? &wanted.pci : nullptr,
                                           .pci_stats = wants_devices ? &free : nullptr}));
  } else if (numa_) {
    numa_->Release(instance);
  }
  if (wants_devices) {
    hardware::PciAffinity affinity{.host = wanted.host ? &*wanted.host : nullptr, .cell_ids = {}};
    if (share.numa) {
      for (const auto& cell : share.numa->cells) affinity.cell_ids.push_back(cell.id);
    }
    auto taken = devices.Take(wanted.pci, affinity);
    if (!taken.ok()) {
      if (numa_ && !had_cells) numa_->Release(instance);
      return taken.status();
    }
    share.pci_devices = *std::move(taken);
  }
  claims_[instance] = share;
  return share;
}

hardware::PciStats HostClaims::FreeDevices(
    const std::vector<hardware::AssignablePciDevice>& devices) const {
  const absl::MutexLock lock(&mutex_);
  return DevicesBeside(Uuid(), devices).Free();
}

void HostClaims::Set(const Uuid& instance, HostShare share) {
  const absl::MutexLock lock(&mutex_);
  if (numa_) {
    numa_->Release(instance);
    if (share.numa) numa_->Adopt(instance, *share.numa).IgnoreError();
  }
  for (const int port : share.serial_ports) {
    if (const auto [it, taken] = ports_.try_emplace(port, instance);
        !taken && it->second != instance) {
      LogWarn("two guests have the same serial port",
              {F("instance", instance), F("other", it->second), F("port", port)});
    }
  }
  if (!share.mdevs.empty()) {
    mdevs_[instance] = std::move(share.mdevs);
    ++mdev_changes_;
  }
  claims_[instance] = std::move(share);
}

Expected<std::vector<hardware::Mdev>> HostClaims::ClaimMdevs(const Uuid& instance,
                                                             const MdevQuestion& question) {
  const absl::MutexLock lock(&mutex_);
  if (question.as_of != mdev_changes_) {
    return Error(Code::kAborted, reason::kUnavailable, "the host's mediated devices changed");
  }
  std::vector<hardware::Mdev> others;
  for (const auto& [other, mdevs] : mdevs_) {
    if (other != instance) others.insert(others.end(), mdevs.begin(), mdevs.end());
  }
  ASSIGN_OR_RETURN(auto taken, hardware::TakeMdevs(question.types, question.machine, instance,
                                                   others, question.wanted));
  mdevs_[instance] = taken;
  ++mdev_changes_;
  return taken;
}

std::vector<hardware::Mdev> HostClaims::MdevsOf(const Uuid& instance) const {
  const absl::MutexLock lock(&mutex_);
  const auto at = mdevs_.find(instance);
  return at == mdevs_.end() ? std::vector<hardware::Mdev>() : at->second;
}

std::int64_t HostClaims::MdevChanges() const {
  const absl::MutexLock lock(&mutex_);
  return mdev_changes_;
}

bool HostClaims::TakePort(const Uuid& instance, int port) {
  const absl::MutexLock lock(&mutex_);
  return ports_.try_emplace(port, instance).second;
}

void HostClaims::DropPort(const Uuid& instance, int port) {
  const absl::MutexLock lock(&mutex_);
  const auto at = ports_.find(port);
  if (at != ports_.end() && at->second == instance) ports_.erase(at);
}

std::vector<int> HostClaims::PortsOf(const Uuid& instance) const {
  const absl::MutexLock lock(&mutex_);
  std::vector<int> ports;
  for (const auto& [port, owner] : ports_) {
    if (owner == instance) ports.push_back(port);
  }
  return ports;
}

void HostClaims::Release(const Uuid& instance) {
  const absl::MutexLock lock(&mutex_);
  claims_.erase(instance);
  std::erase_if(ports_, [&instance](const auto& port) { return port.second == instance; });
  if (mdevs_.erase(instance) > 0) ++mdev_changes_;
  if (numa_) numa_->Release(instance);
}

model::Resources HostClaims::Used() const {
  const absl::MutexLock lock(&mutex_);
  model::Resources used;
  for (const auto& [instance, taken] : claims_) {
    for (const auto& [name, amount] : taken.resources) used[name] += amount;
  }
  return used;
}

hardware::HostNumaTopology HostClaims::WithUsage(const hardware::HostNumaTopology& host) {
  const absl::MutexLock lock(&mutex_);
  return BooksOf(host).Host();
}

}  // namespace kilonova::agent::core
