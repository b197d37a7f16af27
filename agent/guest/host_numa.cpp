// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/host_numa.h"

#include <algorithm>
#include <set>

#include "agent/guest/refusal.h"

namespace kilonova::agent::guest {
namespace {

using hardware::CpuSet;

CpuSet SetOf(const std::set<int>& cpus) {
  CpuSet set;
  for (const int cpu : cpus) set.Add(cpu);
  return set;
}

struct Usable {
  CpuSet shared, dedicated;
};

Status NotOnline(const char* option) {
  return Refuse(reason::kConfigInvalid, "Invalid",
                std::string(option) + " names CPUs that are not online", {{"field", option}});
}

Expected<Usable> UsableCpus(const CpuSet& online, const CpuConfig& config) {
  const bool shared = config.shared_set && !config.shared_set->Empty();
  const bool dedicated = config.dedicated_set && !config.dedicated_set->Empty();
  Usable usable;
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

hardware::HostNumaCell CellOf(const core::HostCell& cell, const Usable& usable) {
  hardware::HostNumaCell out;
  out.id = cell.id;
  out.memory = cell.memory_kib / 1024;
  std::set<int> sockets;
  std::set<std::set<int>> cores;
  CpuSet cpus;
  for (const core::HostCpu& cpu : cell.cpus) {
    cpus.Add(cpu.id);
    sockets.insert(cpu.socket);
    cores.insert(cpu.siblings);
  }
  if (sockets.size() == 1) out.socket = *sockets.begin();
  out.cpuset = cpus & usable.shared;
  out.pcpuset = cpus & usable.dedicated;
  const CpuSet all = out.cpuset | out.pcpuset;
  for (const auto& core : cores) {
    if (CpuSet threads = SetOf(core) & all; !threads.Empty()) out.siblings.push_back(threads);
  }
  for (const core::HostPages& pages : cell.pages) {
    out.mempages.push_back({pages.size_kib, pages.total, 0, 0});
  }
  return out;
}

}  // namespace

Expected<std::optional<hardware::HostNumaTopology>> HostNuma(const core::GuestCapabilities& host,
                                                             const CpuConfig& config) {
  std::optional<hardware::HostNumaTopology> topology;
  if (host.cells.empty()) return topology;
  ASSIGN_OR_RETURN(const Usable usable, UsableCpus(SetOf(host.online_cpus), config));
  topology.emplace();
  for (const core::HostCell& cell : host.cells) topology->cells.push_back(CellOf(cell, usable));
  return topology;
}

}  // namespace kilonova::agent::guest
