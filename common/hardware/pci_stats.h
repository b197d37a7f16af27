// SPDX-License-Identifier: Apache-2.0
// PCI devices of a host in pools of like ones, and whether requests for devices can be met from
// them (nova.pci.stats). Counts only: which device an instance gets is the host's own affair.
//
//   const PciStats stats(host.pci_device_pools);
//   if (!stats.Supports(spec.pci_requests)) ...                      // no NUMA in play
//   if (!stats.Supports(spec.pci_requests, PciAffinity{&host_numa, cell_ids})) ...
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/hardware/topology.h"

namespace kilonova::hardware {

// How near to the guest's cells a device must be. kNone counts as kLegacy.
enum class PciNumaPolicy : std::uint8_t { kNone, kRequired, kLegacy, kPreferred, kSocket };
std::string_view ToText(PciNumaPolicy policy);  // "" for kNone
std::optional<PciNumaPolicy> PciNumaPolicyFrom(std::string_view text);

// A property of a device and the value it must have; nothing is Python's None.
using PciSpec = std::map<std::string, std::optional<std::string>, std::less<>>;

struct PciRequest {
  std::int64_t count = 0;
  std::vector<PciSpec> spec;  // alternatives: a device must match all of one
  std::string alias_name;     // "" for a request that a port makes
  std::string request_id;
  PciNumaPolicy numa_policy = PciNumaPolicy::kNone;

  friend bool operator==(const PciRequest&, const PciRequest&) = default;
};

struct PciDevicePool {
  std::string vendor_id;   // "8086"
  std::string product_id;  // "154d"
  std::optional<std::int64_t> numa_node;
  std::int64_t count = 0;
  PciSpec tags;  // dev_type, physical_network, remote_managed...; they hide the fields above

  friend bool operator==(const PciDevicePool&, const PciDevicePool&) = default;
};

// The host cells a guest is fitted to, for requests with an affinity.
struct PciAffinity {
  const HostNumaTopology* host = nullptr;  // its sockets; only kSocket needs it
  std::vector<std::int64_t> cell_ids;      // none: affinity plays no part
};

class PciStats {
 public:
  PciStats() = default;
  // Pools with fewer properties come first, else the order stays: it decides who is taken from.
  explicit PciStats(std::vector<PciDevicePool> pools);

  const std::vector<PciDevicePool>& Pools() const { return pools_; }

  bool Supports(const std::vector<PciRequest>& requests, const PciAffinity& affinity = {}) const;
  // Takes the devices and says from which pools (count = how many). RESOURCE_EXHAUSTED, reason
  // HOST_RESOURCES_EXHAUSTED, nova_exception PciDeviceRequestFailed when it cannot: then nothing is
  // taken. A pool that runs empty goes, as in Nova.
  Expected<std::vector<PciDevicePool>> Apply(const std::vector<PciRequest>& requests,
                                             const PciAffinity& affinity = {});
  // Gives back what Apply took.
  void Return(const std::vector<PciDevicePool>& taken);

  // A host with devices an off-path controller manages (SmartNIC DPUs).
  bool HasRemoteManagedPools() const;

  friend bool operator==(const PciStats&, const PciStats&) = default;

 private:
  std::vector<PciDevicePool> pools_;
};

}  // namespace kilonova::hardware
