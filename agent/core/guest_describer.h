// SPDX-License-Identifier: Apache-2.0
// How a request becomes a guest: its domain XML and the files of its config drive. Pure; wired to
// agent/guest in agent/app.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/hypervisor.h"
#include "agent/core/image_store.h"
#include "common/base/status.h"
#include "common/hardware/mdevs.h"
#include "common/hardware/topology.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

// What of the host was given to the guest.
struct GuestPlacement {
  std::vector<int> serial_ports;                        // TCP ports of its serial consoles
  CachedImage root;                                     // the cached image under the root disk
  std::optional<hardware::InstanceNumaTopology> numa;   // fitted; empty: it asked for none
  std::optional<hardware::HostNumaTopology> host_numa;  // empty: libvirt reports no cells
  std::vector<std::string> pci_devices;                 // addresses
  std::vector<hardware::Mdev> mdevs;
};

// What the agent has to provide beside disks and networks before a guest can be described.
struct DevicesWanted {
  bool tpm = false;      // a passphrase for the state of its emulated TPM
  int serial_ports = 0;  // TCP ports of the host
};

class GuestDescriber {
 public:
  virtual ~GuestDescriber() = default;
  // Refuses what this agent does not serve, before anything is made for it: FEATURE_NOT_SERVED,
  // FLAVOR_INVALID, IMAGE_INVALID.
  virtual Status Check(const model::BuildRequest& build) = 0;
  // The guest's NUMA topology as asked for, not fitted; nothing when it asks for none.
  // FLAVOR_INVALID, IMAGE_INVALID.
  virtual Expected<std::optional<hardware::InstanceNumaTopology>> NumaWanted(
      const model::BuildRequest& build) = 0;
  // FEATURE_NOT_SERVED, FLAVOR_INVALID, IMAGE_INVALID.
  virtual Expected<DevicesWanted> Devices(const model::BuildRequest& build) = 0;
  // The same inputs give the same bytes.
  virtual Expected<std::string> DomainXml(const model::BuildRequest& build,
                                          const GuestPlacement& placement,
                                          const HostFacts& facts) = 0;
  // The guest's disks beside the root disk and the config drive, by the names DomainXml gives them.
  virtual Expected<std::vector<BlankDisk>> BlankDisks(const model::BuildRequest& build) = 0;
  // Nothing when the guest is to have no config drive.
  virtual Expected<std::optional<std::vector<ConfigDriveFile>>> ConfigDrive(
      const model::BuildRequest& build) = 0;
};

}  // namespace kilonova::agent::core
