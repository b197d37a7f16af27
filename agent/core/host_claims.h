// SPDX-License-Identifier: Apache-2.0
// The agent's own count of what its instances take. The scheduler's claims decide how much; this is
// the second lock on the door, for a scheduler whose picture of the host is old, and it alone
// decides where: which NUMA cells, CPUs and pages a guest gets, as Nova's compute does.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/hardware/host_numa_claims.h"
#include "common/hardware/mdevs.h"
#include "common/hardware/pci_devices.h"
#include "common/hardware/topology.h"
#include "common/model/resources.h"

namespace kilonova::agent::core {

// What an instance has of this host.
struct HostShare {
  model::Resources resources;
  std::optional<hardware::InstanceNumaTopology> numa;  // fitted; empty: it asked for none
  std::vector<int> serial_ports;                       // of the host, for serial consoles
  std::vector<std::string> pci_devices;                // addresses, in the order of its requests
  std::vector<hardware::Mdev> mdevs;                   // mediated devices, made or to be made
};

class HostClaims {
 public:
  // What is asked of NUMA cells and devices, and what of the host can be given.
  struct HardwareRequest {
    std::optional<hardware::InstanceNumaTopology> numa;  // empty: nothing
    std::optional<hardware::HostNumaTopology> host;      // nothing used; empty: no cells known
    hardware::NumaLimits limits;
    std::vector<hardware::PciRequest> pci;
    std::vector<hardware::AssignablePciDevice> pci_devices;  // the host's, whoever has them
  };

  // Puts `resources` beside what others have, if it fits into `inventories`, and fits the guest to
  // the host's cells and picks its PCI devices: the answer. Again for the same instance it
  // replaces; a guest that was fitted before keeps its place and its devices.
  // HOST_RESOURCES_EXHAUSTED with details class, need, free, or need, have.
  Expected<HostShare> Claim(const Uuid& instance, const model::Resources& resources,
                            const model::Inventories& inventories, const HardwareRequest& wanted);
  // For instances that are there already: no question asked.
  void Set(const Uuid& instance, HostShare share);
  // False when another instance has the port. It is the instance's until DropPort or Release.
  bool TakePort(const Uuid& instance, int port);
  void DropPort(const Uuid& instance, int port);
  std::vector<int> PortsOf(const Uuid& instance) const;  // ascending
  // What is asked of mediated devices, and what the machine had of them when MdevChanges was
  // `as_of`.
  struct MdevQuestion {
    const hardware::MdevTypes& types;
    const hardware::MdevMachine& machine;
    const std::vector<hardware::MdevRequest>& wanted;
    std::int64_t as_of = 0;
  };
  // Promises some to the instance, beside what others have. ABORTED when any was promised or given
  // back since; HOST_RESOURCES_EXHAUSTED.
  Expected<std::vector<hardware::Mdev>> ClaimMdevs(const Uuid& instance,
                                                   const MdevQuestion& question);
  std::vector<hardware::Mdev> MdevsOf(const Uuid& instance) const;
  std::int64_t MdevChanges() const;
  void Release(const Uuid& instance);
  model::Resources Used() const;
  // `host` with what all instances use of it.
  hardware::HostNumaTopology WithUsage(const hardware::HostNumaTopology& host);
  // Of these devices, those no instance has.
  hardware::PciStats FreeDevices(const std::vector<hardware::AssignablePciDevice>& devices) const;

 private:
  // The devices as all instances but one leave them.
  hardware::PciDevices DevicesBeside(
      const Uuid& instance, const std::vector<hardware::AssignablePciDevice>& devices) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  Status CheckAmounts(const Uuid& instance, const model::Resources& resources,
                      const model::Inventories& inventories) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // The books of the host as it is now, with all that were fitted to it in them.
  hardware::HostNumaClaims& BooksOf(const hardware::HostNumaTopology& host)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<Uuid, HostShare> claims_ ABSL_GUARDED_BY(mutex_);  // but for the ports and mdevs
  std::map<int, Uuid> ports_ ABSL_GUARDED_BY(mutex_);
  std::map<Uuid, std::vector<hardware::Mdev>> mdevs_ ABSL_GUARDED_BY(mutex_);
  std::int64_t mdev_changes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<hardware::HostNumaTopology> host_ ABSL_GUARDED_BY(mutex_);  // of the books
  std::optional<hardware::HostNumaClaims> numa_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::agent::core
