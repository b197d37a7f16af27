// SPDX-License-Identifier: Apache-2.0
// The PCI devices guests of one host may have, by address: who has which, and what is free (Nova's
// PciDevTracker). A physical function and its virtual ones exclude each other.
//
//   PciDevices devices(assignable);
//   for (const auto& [uuid, addresses] : recorded) devices.Adopt(addresses);
//   ASSIGN_OR_RETURN(const auto addresses, devices.Take(requests, affinity));
//   devices.Return(addresses);
#pragma once

#include <set>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/hardware/pci_device_spec.h"
#include "common/hardware/pci_stats.h"

namespace kilonova::hardware {

struct AssignablePciDevice {
  PciDevice device;
  PciTags tags;  // of the device_spec entry that takes it
  friend bool operator==(const AssignablePciDevice&, const AssignablePciDevice&) = default;
};

class PciDevices {
 public:
  PciDevices() = default;
  explicit PciDevices(std::vector<AssignablePciDevice> devices);

  // Free ones that are alike, as they are reported.
  PciStats Free() const;
  // Chooses devices for the requests, in Nova's order. RESOURCE_EXHAUSTED, reason
  // HOST_RESOURCES_EXHAUSTED, when they are not there: then nothing is taken.
  Expected<std::vector<std::string>> Take(const std::vector<PciRequest>& requests,
                                          const PciAffinity& affinity);
  // Of a guest that has them: they are its own, whatever the configuration says by now.
  void Adopt(const std::vector<std::string>& addresses);
  void Return(const std::vector<std::string>& addresses);

 private:
  struct Pool {
    PciDevicePool pool;
    std::vector<std::size_t> members;
  };
  std::vector<Pool> FreePools(const std::set<std::string>& taken) const;
  bool IsFree(const AssignablePciDevice& device, const std::set<std::string>& taken) const;

  std::vector<AssignablePciDevice> devices_;  // by address
  std::set<std::string> taken_;
};

}  // namespace kilonova::hardware
