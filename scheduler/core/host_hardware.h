// SPDX-License-Identifier: Apache-2.0
// The NUMA cells and PCI devices of one host, as reported and as the claims kept here leave them.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <optional>
#include <utility>
#include <vector>

#include "common/hardware/fit.h"
#include "common/hardware/pci_stats.h"
#include "common/hardware/topology.h"
#include "scheduler/core/uuid_key.h"

namespace kilonova::scheduler::core {

// What one instance asks. `numa` is the request's own: as in Nova the fitted topology takes its
// place, and the next instance of the request starts from that; nothing once it did not fit.
struct HardwareWish {
  std::optional<hardware::InstanceNumaTopology>& numa;
  const std::vector<hardware::PciRequest>& pci;
  const hardware::NumaLimits* limits = nullptr;  // none unless the NUMATopologyFilter judged
  hardware::CellOrder order = hardware::CellOrder::kSpread;

  bool empty() const { return !numa && pci.empty(); }
};

// What one claim holds, and what it asked.
struct HardwareUse {
  std::optional<hardware::InstanceNumaTopology> numa;  // fitted to the host
  std::vector<hardware::PciRequest> requests;
  std::vector<hardware::PciDevicePool> devices;  // taken
  bool measured = false;  // in what the host reports: neither on top of it nor to be given back
  friend bool operator==(const HardwareUse&, const HardwareUse&) = default;
};

class HostHardware {
 public:
  // As reported; HostState says whose usage is in it.
  HostHardware(std::optional<hardware::HostNumaTopology> numa,
               std::vector<hardware::PciDevicePool> pools);

  // Null without cells.
  const hardware::HostNumaTopology* numa() const { return numa_ ? &*numa_ : nullptr; }
  const hardware::PciStats& pci() const { return pci_; }
  const std::optional<hardware::HostNumaTopology>& reported_numa() const { return reported_numa_; }
  const std::vector<hardware::PciDevicePool>& reported_pools() const { return reported_pools_; }
  std::int64_t FreeDevices() const;
  // A cell names no siblings or has pages of no size: to fit a guest to it may be an error.
  bool RefusesNuma() const;

  // Takes what the instance asks. False where Nova gives up half way, having raised: what it had
  // taken by then stays taken.
  bool Take(const UuidKey& instance, const HardwareWish& wish);
  // Gives it back; nothing if the instance holds nothing.
  std::optional<HardwareUse> Give(const UuidKey& instance);
  // What the instance holds; null: nothing.
  const HardwareUse* Find(const UuidKey& instance) const;
  // What a claim of the database holds. It counts with the host's next report, as Inherit says.
  void Restore(const UuidKey& instance, HardwareUse use);
  // As it was before claims that are gone again.
  void PutBackPci(hardware::PciStats pci) { pci_ = std::move(pci); }
  // Takes over what claims hold on `before`, the same host as it was reported earlier; those of
  // `measured` are in this report.
  void Inherit(HostHardware&& before, const absl::flat_hash_set<UuidKey>& measured);

 private:
  bool TakeNuma(HardwareUse& use, const HardwareWish& wish);

  std::optional<hardware::HostNumaTopology> reported_numa_, numa_;
  std::vector<hardware::PciDevicePool> reported_pools_;
  hardware::PciStats pci_;
  absl::flat_hash_map<UuidKey, HardwareUse> uses_;
};

}  // namespace kilonova::scheduler::core
