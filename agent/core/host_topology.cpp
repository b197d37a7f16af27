// SPDX-License-Identifier: Apache-2.0
#include "agent/core/host_topology.h"

namespace kilonova::agent::core {
namespace {

using hardware::CpuSet;

Status Invalid(const char* option, const char* what) {
  return Error(Code::kInvalidArgument, reason::kConfigInvalid, std::string(option) + " " + what,
               {{"field", option}});
}

Status CheckSet(const std::optional<CpuSet>& set, const CpuSet& online, const char* option) {
  if (!set) return OkStatus();
  if (set->Empty()) return Invalid(option, "names no CPUs");
  if (!online.Includes(*set)) return Invalid(option, "names CPUs that are not online");
  return OkStatus();
}

void Reserve(const AgentSettings& settings, hardware::HostNumaCell& cell) {
  const auto node = settings.reserved_huge_pages.find(cell.id);
  if (node == settings.reserved_huge_pages.end()) return;
  for (hardware::HostPages& pages : cell.mempages) {
    if (const auto it = node->second.find(pages.size_kb); it != node->second.end()) {
      pages.reserved = it->second;
    }
  }
}

}  // namespace

CpuSet CpuSetOf(const std::set<int>& cpus) {
  CpuSet set;
  for (const int cpu : cpus) set.Add(cpu);
  return set;
}

hardware::HostNumaCell UsableCell(const HostCell& cell, const HostCpus& usable) {
  hardware::HostNumaCell out;
  out.id = cell.id;
  out.memory = cell.memory_kib / 1024;
  std::set<int> sockets;
  std::set<std::set<int>> cores;
  CpuSet cpus;
  for (const HostCpu& cpu : cell.cpus) {
    cpus.Add(cpu.id);
    sockets.insert(cpu.socket);
    cores.insert(cpu.siblings);
  }
  // A cell of several sockets has none, as in Nova.
  if (sockets.size() == 1) out.socket = *sockets.begin();
  out.cpuset = cpus & usable.shared;
  out.pcpuset = cpus & usable.dedicated;
  const CpuSet all = out.cpuset | out.pcpuset;
  for (const auto& core : cores) {
    if (CpuSet threads = CpuSetOf(core) & all; !threads.Empty()) out.siblings.push_back(threads);
  }
  for (const HostPages& pages : cell.pages) {
    out.mempages.push_back({pages.size_kib, pages.total, 0, 0});
  }
  return out;
}

Expected<HostCpus> CpusOf(const AgentSettings& settings, const HostFacts& facts) {
  CpuSet online = CpuSetOf(facts.guests.online_cpus);
  if (online.Empty() && facts.cpus > 0) {
    online = CpuSet::Range(0, static_cast<hardware::CpuId>(facts.cpus - 1));
  }
  RETURN_IF_ERROR(CheckSet(settings.cpu_shared_set, online, "cpu_shared_set"));
  RETURN_IF_ERROR(CheckSet(settings.cpu_dedicated_set, online, "cpu_dedicated_set"));
  HostCpus cpus;
  if (settings.cpu_dedicated_set) cpus.dedicated = *settings.cpu_dedicated_set;
  if (settings.cpu_shared_set) {
    cpus.shared = *settings.cpu_shared_set;
    if (cpus.shared.Intersects(cpus.dedicated)) {
      return Invalid("cpu_dedicated_set", "and cpu_shared_set name the same CPUs");
    }
  } else if (!settings.cpu_dedicated_set) {
    cpus.shared = online;
  }
  return cpus;
}

Expected<std::optional<hardware::HostNumaTopology>> HostTopology(const AgentSettings& settings,
                                                                 const HostFacts& facts) {
  std::optional<hardware::HostNumaTopology> topology;
  ASSIGN_OR_RETURN(HostCpus usable, CpusOf(settings, facts));
  if (facts.guests.cells.empty()) return topology;
  // Where neither set is configured Nova lets pinned guests have the shared CPUs.
  if (!settings.cpu_shared_set && !settings.cpu_dedicated_set) usable.dedicated = usable.shared;
  topology.emplace();
  for (const HostCell& cell : facts.guests.cells) {
    topology->cells.push_back(UsableCell(cell, usable));
    Reserve(settings, topology->cells.back());
  }
  return topology;
}

}  // namespace kilonova::agent::core
