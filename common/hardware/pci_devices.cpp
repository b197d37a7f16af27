// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pci_devices.h"

#include <algorithm>
#include <utility>

#include "common/hardware/errors.h"
#include "common/hardware/pci_pools.h"

namespace kilonova::hardware {
namespace {

PciDevicePool PoolOf(const AssignablePciDevice& assignable) {
  const PciDevice& device = assignable.device;
  PciDevicePool pool{device.vendor_id, device.product_id, device.numa_node, 0, {}};
  pool.tags[std::string(kDeviceType)] = device.dev_type;
  for (const auto& [name, value] : assignable.tags) pool.tags[name] = value;
  if (pool.tags.contains("numa_node")) pool.numa_node.reset();  // what is hidden sets none apart
  if (!device.parent_ifname.empty()) pool.tags["parent_ifname"] = device.parent_ifname;
  if (device.dev_type != "type-PCI") {
    auto& remote = pool.tags[std::string(kRemoteManaged)];
    if (!remote) remote = "false";
  }
  return pool;
}

}  // namespace

PciDevices::PciDevices(std::vector<AssignablePciDevice> devices) : devices_(std::move(devices)) {
  const auto address = [](const AssignablePciDevice& each) -> const std::string& {
    return each.device.address;
  };
  std::ranges::sort(devices_, {}, address);
  // A virtual function says whose it is; a physical one may not.
  for (const auto& each : devices_) {
    const PciDevice& function = each.device;
    if (function.parent_addr.empty()) continue;
    const auto parent = std::ranges::lower_bound(devices_, function.parent_addr, {}, address);
    if (parent == devices_.end() || parent->device.address != function.parent_addr) continue;
    auto& known = parent->device.virtual_functions;
    if (std::ranges::find(known, function.address) == known.end()) {
      known.push_back(function.address);
    }
  }
}

bool PciDevices::IsFree(const AssignablePciDevice& assignable,
                        const std::set<std::string>& taken) const {
  const PciDevice& device = assignable.device;
  if (taken.contains(device.address)) return false;
  if (std::ranges::any_of(device.virtual_functions,
                          [&](const auto& function) { return taken.contains(function); })) {
    return false;
  }
  return device.parent_addr.empty() || !taken.contains(device.parent_addr);
}

std::vector<PciDevices::Pool> PciDevices::FreePools(const std::set<std::string>& taken) const {
  std::vector<Pool> pools;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    if (!IsFree(devices_[i], taken)) continue;
    PciDevicePool like = PoolOf(devices_[i]);
    auto found = std::ranges::find_if(pools, [&](const Pool& known) {
      like.count = known.pool.count;
      return known.pool == like;
    });
    if (found == pools.end()) {
      like.count = 0;
      found = pools.insert(pools.end(), Pool{std::move(like), {}});
    }
    ++found->pool.count;
    found->members.push_back(i);
  }
  // As in Nova, those that say least come first.
  std::ranges::stable_sort(pools, {}, [](const Pool& each) { return Properties(each.pool); });
  return pools;
}

PciStats PciDevices::Free() const {
  std::vector<PciDevicePool> pools;
  for (auto& each : FreePools(taken_)) pools.push_back(std::move(each.pool));
  return PciStats(std::move(pools));
}

Expected<std::vector<std::string>> PciDevices::Take(const std::vector<PciRequest>& requests,
                                                    const PciAffinity& affinity) {
  std::set<std::string> taken = taken_;
  std::vector<std::string> addresses;
  std::vector<Pool> pools = FreePools(taken);
  // What the last request left, in the pools' old order, as in Nova: made anew, they would be in
  // that of what is left in each.
  const auto keep_free = [&] {
    for (Pool& each : pools) {
      std::erase_if(each.members, [&](std::size_t i) { return !IsFree(devices_[i], taken); });
      each.pool.count = static_cast<std::int64_t>(each.members.size());
    }
    std::erase_if(pools, [](const Pool& each) { return each.members.empty(); });
  };
  for (const PciRequest& request : requests) {
    keep_free();
    std::vector<PciDevicePool> counts;
    for (const Pool& each : pools) counts.push_back(each.pool);
    const auto usable = UsablePools(counts, request, affinity);
    if (!usable) {
      return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                   "the host has not the PCI devices asked for",
                   {{kNovaException, "PciDeviceRequestFailed"}, {"alias", request.alias_name}});
    }
    std::int64_t rest = request.count;
    for (const std::size_t i : *usable) {
      auto& members = pools[i].members;
      for (; rest > 0 && !members.empty(); members.pop_back()) {
        const AssignablePciDevice& device = devices_[members.back()];
        // One taken just now may have been its physical function, or one of its virtual ones.
        if (!IsFree(device, taken)) continue;
        taken.insert(device.device.address);
        addresses.push_back(device.device.address);
        --rest;
      }
    }
    if (rest > 0) {
      return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                   "the host has not the PCI devices asked for",
                   {{kNovaException, "PciDeviceRequestFailed"}, {"alias", request.alias_name}});
    }
  }
  taken_ = std::move(taken);
  return addresses;
}

void PciDevices::Adopt(const std::vector<std::string>& addresses) {
  taken_.insert(addresses.begin(), addresses.end());
}

void PciDevices::Return(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) taken_.erase(address);
}

}  // namespace kilonova::hardware
