// SPDX-License-Identifier: Apache-2.0
// From what libvirt says of the machine to what Placement is told: Nova's derivation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/core/hypervisor.h"
#include "agent/core/settings.h"
#include "common/hardware/topology.h"
#include "common/model/flavor.h"
#include "common/model/reports.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

// The resource class of slots for guests with encrypted memory.
inline constexpr std::string_view kMemEncryptionContext = "MEM_ENCRYPTION_CONTEXT";

// What the kernel says, beside libvirt.
struct MachineUsage {
  std::int64_t disk_total_gb = 0;  // GiB of the instances' file system
  std::int64_t disk_free_gb = 0;
  std::int64_t memory_free_mb = 0;  // MiB
};
MachineUsage ReadMachineUsage(const Paths& paths);

model::Inventories MakeInventories(const AgentSettings& settings, const HostFacts& facts,
                                   const MachineUsage& usage);
// What a guest takes of them: its pinned CPUs are PCPU where the host has such, as in Nova, and
// memory that is `encrypted` takes one of the slots for that.
model::Resources ResourcesWanted(const model::Flavor& flavor,
                                 const std::optional<hardware::InstanceNumaTopology>& numa,
                                 bool encrypted, const model::Inventories& inventories);
// Of the devices a build is to have. OBJECT_INVALID for a NUMA policy there is not.
Expected<std::vector<hardware::PciRequest>> PciRequestsOf(const model::BuildRequest& build);
std::vector<model::PciPool> PoolsOf(const hardware::PciStats& free);
// Nova's cpu_info: arch, model, vendor, topology, features.
std::string CpuInfoJson(const HostFacts& facts);
// Everything but running_instances, NUMA usage and degraded; a configuration that does not fit the
// machine's CPUs is among those.
model::HostReport MakeHostReport(const AgentSettings& settings, const HostFacts& facts,
                                 const MachineUsage& usage);

}  // namespace kilonova::agent::core
