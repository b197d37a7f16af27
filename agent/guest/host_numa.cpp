// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/host_numa.h"

#include "agent/core/host_topology.h"
#include "agent/guest/refusal.h"

namespace kilonova::agent::guest {
namespace {

using hardware::CpuSet;

Status NotOnline(const char* option) {
  return Refuse(reason::kConfigInvalid, "Invalid",
                std::string(option) + " names CPUs that are not online", {{"field", option}});
}

Expected<core::HostCpus> UsableCpus(const CpuSet& online, const CpuConfig& config) {
  const bool shared = config.shared_set && !config.shared_set->Empty();
  const bool dedicated = config.dedicated_set && !config.dedicated_set->Empty();
  core::HostCpus usable;
  if (shared) {
    if (!online.Includes(*config.shared_set)) return NotOnline("cpu_shared_set");
    usable.shared = *config.shared_set;
  } else if (!dedicated) {
    usable.shared = online;
  }
  if (dedicated) {
    if (!online.Includes(*config.dedicated_set)) return NotOnline("cpu_dedicated_set");
    usable.dedicated = *config.dedicated_set;
  } else if (!shared) {
    usable.dedicated = usable.shared;
  }
  return usable;
}

}  // namespace

Expected<std::optional<hardware::HostNumaTopology>> HostNuma(const core::GuestCapabilities& host,
                                                             const CpuConfig& config) {
  std::optional<hardware::HostNumaTopology> topology;
  if (host.cells.empty()) return topology;
  ASSIGN_OR_RETURN(const core::HostCpus usable,
                   UsableCpus(core::CpuSetOf(host.online_cpus), config));
  topology.emplace();
  for (const core::HostCell& cell : host.cells) {
    topology->cells.push_back(core::UsableCell(cell, usable));
  }
  return topology;
}

}  // namespace kilonova::agent::guest
