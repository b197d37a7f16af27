// SPDX-License-Identifier: Apache-2.0
// The claims' half of the fleet.
#include <limits>

#include "scheduler/core/fleet.h"

namespace kilonova::scheduler::core {

Expected<Fleet::FootprintId> Fleet::HoldFootprint(Footprint footprint, NewClasses new_classes) {
  for (const auto& [name, amount] : footprint.resources) {
    if (amount == 0) continue;
    if (amount < 0 || amount > std::numeric_limits<std::int32_t>::max()) {
      return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                   "a resource amount must be from 0 to 2147483647", {{"resource_class", name}});
    }
    if (const std::size_t at = name.find(kAtProvider); at != std::string::npos) {
      footprint.nested.push_back({name.substr(at + 1), name.substr(0, at), amount});
      continue;
    }
    std::uint32_t id = FindClassId(name).value_or(kNoClass);
    if (id == kNoClass && new_classes == NewClasses::kAdd) {
      ASSIGN_OR_RETURN(id, ClassId(name));
    }
    footprint.classes.push_back(id);
    footprint.amounts.push_back(amount);
    footprint.names.push_back(name);
  }
  std::string key = core::KeyOf(footprint);
  // One of a class nobody had then is not one of the class somebody has by now.
  for (const std::uint32_t id : footprint.classes) key += id == kNoClass ? "?" : "";
  return footprints_.Acquire(key, std::move(footprint));
}

bool Fleet::Fits(HostIndex host, const Footprint& footprint) const {
  for (std::size_t i = 0; i < footprint.classes.size(); ++i) {
    if (!classes_[footprint.classes[i]]->Takes(host, footprint.amounts[i])) return false;
  }
  return footprint.nested.empty() || trees_.Fits(host, footprint.nested);
}

Provider Fleet::RootProvider(HostIndex host) const {
  const HostRecord& record = *records_[host];
  Provider root;
  // Names of nested providers are the host's to choose; none can be equal to this.
  root.uuid = record.uuid.empty() ? std::string(1, kAtProvider) : record.uuid;
  root.inventories = record.inventories;
  const Words& traits = trait_lists[record.traits];
  root.traits.insert(traits.begin(), traits.end());
  if ((flags[host] & kEnabled) == 0) root.traits.emplace("COMPUTE_STATUS_DISABLED");
  for (const Aggregate& aggregate : aggregate_lists[aggregates[host]]) {
    root.aggregates.insert(aggregate.uuid);
  }
  for (const auto& column : classes_) {
    if (column->units[host].used != 0) root.used.emplace(column->name, column->units[host].used);
  }
  return root;
}

const Fleet::ClaimEntry* Fleet::FindClaim(const UuidKey& instance) const {
  const auto found = claims_.find(instance);
  return found == claims_.end() ? nullptr : &found->second;
}

void Fleet::Consume(HostIndex host, const Footprint& footprint, std::int64_t sign) {
  for (std::size_t i = 0; i < footprint.classes.size(); ++i) {
    ClassColumn& column = *classes_[footprint.classes[i]];
    column.units[host].used += sign * footprint.amounts[i];
    column.UpdateRoom(host);
  }
  trees_.Consume(host, footprint.nested, sign);
  HostNumbers& own = numbers_[host];
  own.claimed_ram_mb += sign * footprint.memory_mb;
  own.claimed_disk_mb += sign * footprint.disk_mb;
  own.claimed_vcpus += sign * footprint.vcpus;
  own.free_ram_mb -= sign * footprint.memory_mb;
  own.free_disk_mb -= sign * footprint.disk_mb;
  own.vcpus_used += sign * footprint.vcpus;
  own.num_instances += sign;
  own.claims += sign;
  Touch(host, Change::kClaims);
}

bool Fleet::AddClaim(const UuidKey& instance, HostIndex host, FootprintId footprint,
                     bool building) {
  if (!claims_.emplace(instance, ClaimEntry{host, footprint, building}).second) return false;
  footprints_.Hold(footprint);
  Consume(host, footprints_[footprint], 1);
  if (building) {
    ++numbers_[host].building;
    ++numbers_[host].num_io_ops;
  }
  return true;
}

bool Fleet::TakeHardware(const UuidKey& instance, HostIndex host, const HardwareWish& wish) {
  if (wish.empty()) return true;
  HostHardware* hardware = records_[host]->hardware.get();
  if (hardware == nullptr) return wish.pci.empty();
  const bool taken = hardware->Take(instance, wish);
  numbers_[host].free_pci_devices = hardware->FreeDevices();
  return taken;
}

std::optional<hardware::PciStats> Fleet::PciOf(HostIndex host) const {
  const HostHardware* hardware = records_[host]->hardware.get();
  if (hardware == nullptr) return std::nullopt;
  return hardware->pci();
}

void Fleet::PutBackPci(HostIndex host, hardware::PciStats pci) {
  HostHardware& hardware = *records_[host]->hardware;
  hardware.PutBackPci(std::move(pci));
  numbers_[host].free_pci_devices = hardware.FreeDevices();
}

std::optional<HardwareUse> Fleet::GiveHardware(const UuidKey& instance, HostIndex host) {
  HostHardware* hardware = records_[host]->hardware.get();
  if (hardware == nullptr) return std::nullopt;
  auto use = hardware->Give(instance);
  if (use) numbers_[host].free_pci_devices = hardware->FreeDevices();
  return use;
}

const HardwareUse* Fleet::HardwareOf(const UuidKey& instance) const {
  const ClaimEntry* claim = FindClaim(instance);
  if (claim == nullptr || records_[claim->host]->hardware == nullptr) return nullptr;
  return records_[claim->host]->hardware->Find(instance);
}

void Fleet::RestoreHardware(const UuidKey& instance, HardwareUse use) {
  const ClaimEntry* claim = FindClaim(instance);
  if (claim == nullptr) return;
  auto& hardware = records_[claim->host]->hardware;
  if (hardware == nullptr) {
    hardware = std::make_unique<HostHardware>(std::nullopt, std::vector<hardware::PciDevicePool>{});
  }
  hardware->Restore(instance, std::move(use));
}

hardware::NumaLimits Fleet::NumaLimitsOf(HostIndex host, const PlacementRequest& request) const {
  hardware::NumaLimits limits;
  limits.cpu_allocation_ratio = numbers_[host].cpu_allocation_ratio;
  const auto memory = records_[host]->inventories.find(model::kMemoryMb);
  if (memory != records_[host]->inventories.end()) {
    limits.ram_allocation_ratio = memory->second.allocation_ratio;
  }
  limits.network_metadata = request.network_metadata;
  return limits;
}

void Fleet::MoveClaim(const UuidKey& instance, HostIndex host) {
  const FootprintId footprint = claims_.find(instance)->second.footprint;
  footprints_.Hold(footprint);
  if (auto use = GiveHardware(instance, claims_.find(instance)->second.host)) {
    if (use->numa) use->numa->ClearHostPinning();
    TakeHardware(instance, host, {.numa = use->numa, .pci = use->requests});
  }
  images.Move(instance, claims_.find(instance)->second.host, host);
  // Not DropClaim, which would forget the image.
  EndClaim(claims_.find(instance));
  AddClaim(instance, host, footprint, true);
  footprints_.Release(footprint);
}

bool Fleet::DropClaim(const UuidKey& instance) {
  const auto found = claims_.find(instance);
  if (found == claims_.end()) return false;
  images.Drop(instance, found->second.host);
  EndClaim(found);
  return true;
}

void Fleet::EndClaim(ClaimMap::iterator claim) {
  const ClaimEntry entry = claim->second;
  if (entry.building) {
    --numbers_[entry.host].building;
    --numbers_[entry.host].num_io_ops;
  }
  Consume(entry.host, footprints_[entry.footprint], -1);
  GiveHardware(claim->first, entry.host);
  footprints_.Release(entry.footprint);
  claims_.erase(claim);
}

void Fleet::SetImage(const UuidKey& instance, ImagePairs pairs) {
  if (const ClaimEntry* claim = FindClaim(instance)) {
    images.Add(instance, claim->host, std::move(pairs));
  }
}

void Fleet::EndBuilding(const UuidKey& instance) {
  const auto found = claims_.find(instance);
  if (found == claims_.end() || !found->second.building) return;
  found->second.building = false;
  Touch(found->second.host, Change::kClaims);
  --numbers_[found->second.host].building;
  --numbers_[found->second.host].num_io_ops;
}

model::Resources Fleet::UsedOn(HostIndex host) const {
  model::Resources used;
  for (const auto& column : classes_) {
    if (column->units[host].used != 0) used.emplace(column->name, column->units[host].used);
  }
  trees_.AddUsed(host, used);
  return used;
}

}  // namespace kilonova::scheduler::core
