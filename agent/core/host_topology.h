// SPDX-License-Identifier: Apache-2.0
// Which of the host's CPUs are for whom, and its NUMA cells as guests may use them: Nova's
// _get_vcpu_available, _get_pcpu_available and _get_host_numa_topology.
#pragma once

#include <optional>
#include <set>

#include "agent/core/hypervisor.h"
#include "agent/core/settings.h"
#include "common/base/status.h"
#include "common/hardware/topology.h"

namespace kilonova::agent::core {

struct HostCpus {
  hardware::CpuSet shared;     // Placement's VCPU
  hardware::CpuSet dedicated;  // Placement's PCPU
};

// CONFIG_INVALID when a configured set is empty or names CPUs that are not online, or when the two
// sets overlap.
Expected<HostCpus> CpusOf(const AgentSettings& settings, const HostFacts& facts);

hardware::CpuSet CpuSetOf(const std::set<int>& cpus);

// One of libvirt's cells with the CPUs of `usable` alone, nothing used yet.
hardware::HostNumaCell UsableCell(const HostCell& cell, const HostCpus& usable);

// libvirt's cells, nothing used yet; nothing when it reports none.
Expected<std::optional<hardware::HostNumaTopology>> HostTopology(const AgentSettings& settings,
                                                                 const HostFacts& facts);

}  // namespace kilonova::agent::core
