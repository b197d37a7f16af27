// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/guest/context.h"
#include "agent/guest/refusal.h"

namespace kilonova::agent::guest {
namespace {

using hardware::HostNumaCell;
using hardware::InstanceNumaCell;

CpuSet Online(const Context& context) {
  CpuSet online;
  for (const int cpu : context.host.online_cpus) online.Add(cpu);
  return online;
}

// The host's CPUs for vcpus that are pinned nowhere; empty without a configured set.
Expected<std::optional<CpuSet>> FloatingCpus(const Context& context) {
  std::optional<CpuSet> none;
  const auto& dedicated = context.config.cpu.dedicated_set;
  if (dedicated && !Online(context).Includes(*dedicated)) {
    return Refuse(reason::kConfigInvalid, "Invalid",
                  "cpu_dedicated_set names CPUs that are not online",
                  {{"field", "cpu_dedicated_set"}});
  }
  const auto& shared = context.config.cpu.shared_set;
  if (!shared || shared->Empty()) return none;
  if (!Online(context).Includes(*shared)) {
    return Refuse(reason::kConfigInvalid, "Invalid",
                  "cpu_shared_set names CPUs that are not online", {{"field", "cpu_shared_set"}});
  }
  return shared;
}

// True when the guest's memory is in pages larger than the host's smallest.
bool WantsHugePages(const GuestInput& input) {
  if (!input.host_numa || !input.numa || input.host_numa->cells.empty()) return false;
  const auto& pages = input.host_numa->cells.front().mempages;
  if (pages.empty()) return false;
  const auto smallest = std::ranges::min(pages, {}, &hardware::HostPages::size_kb).size_kb;
  return std::ranges::any_of(input.numa->cells, [&](const InstanceNumaCell& cell) {
    return cell.pagesize && *cell.pagesize != smallest &&
           std::ranges::find(pages, *cell.pagesize, &hardware::HostPages::size_kb) != pages.end();
  });
}

// Where the emulator's threads may run on behalf of `vcpu`.
Expected<CpuSet> EmulatorCpus(const Context& context, const InstanceNumaCell& cell,
                              const VcpuPin& pin, const std::optional<CpuSet>& realtime) {
  using hardware::EmulatorThreadsPolicy;
  const auto policy = context.input.numa->emulator_threads_policy;
  if (policy == EmulatorThreadsPolicy::kIsolate) return cell.cpuset_reserved;
  const auto& shared = context.config.cpu.shared_set;
  if (policy == EmulatorThreadsPolicy::kShare && shared && !shared->Empty()) {
    CpuSet cpus = *shared & Online(context);
    if (!cpus.Empty()) return cpus;
    return Refuse(reason::kConfigInvalid, "Invalid", "no CPU of cpu_shared_set is online",
                  {{"field", "cpu_shared_set"}});
  }
  return realtime && realtime->Has(pin.vcpu) ? CpuSet() : pin.cpus;
}

VcpuPin PinOf(hardware::CpuId vcpu, const InstanceNumaCell& cell, const HostNumaCell& host) {
  const auto at = std::ranges::find(cell.cpu_pinning, vcpu,
                                    &std::pair<hardware::CpuId, hardware::CpuId>::first);
  return {vcpu, at == cell.cpu_pinning.end() ? host.cpuset : CpuSet{at->second}};
}

Status PinCell(const Context& context, const CpuCell& guest, const InstanceNumaCell& cell,
               const HostNumaCell& host, CpuTune& tune) {
  const std::optional<CpuSet> realtime =
      tune.realtime ? std::optional(tune.realtime->vcpus) : std::nullopt;
  for (const hardware::CpuId vcpu : guest.cpus.ToVector()) {
    tune.pins.push_back(PinOf(vcpu, cell, host));
    ASSIGN_OR_RETURN(const CpuSet cpus, EmulatorCpus(context, cell, tune.pins.back(), realtime));
    *tune.emulator |= cpus;
  }
  return OkStatus();
}

Status PinCells(const Context& context, Domain& domain) {
  const GuestInput& input = context.input;
  CpuTune tune;
  NumaTune numa;
  tune.emulator.emplace();
  ASSIGN_OR_RETURN(const auto realtime, hardware::RealtimeCpuConstraint(context.needs));
  if (realtime && !realtime->Empty()) {
    tune.realtime = VcpuSched{*realtime, context.config.cpu.realtime_priority};
  }
  std::size_t node = 0;
  for (const CpuCell& guest : domain.cpu.cells) {
    const auto host = std::ranges::find(input.host_numa->cells, guest.id, &HostNumaCell::id);
    if (host == input.host_numa->cells.end()) continue;
    numa.nodes.push_back({static_cast<std::int64_t>(node), host->id});
    numa.host_cells.push_back(host->id);
    RETURN_IF_ERROR(PinCell(context, guest, input.numa->cells[node], *host, tune));
    ++node;
  }
  std::ranges::stable_sort(tune.pins, {}, &VcpuPin::vcpu);
  domain.cpu_tune = std::move(tune);
  domain.numa_tune = std::move(numa);
  // From here on cells are named by their place in the guest.
  for (std::size_t i = 0; i < std::min(node, domain.cpu.cells.size()); ++i) {
    domain.cpu.cells[i].id = static_cast<std::int64_t>(i);
  }
  return OkStatus();
}

}  // namespace

Status DescribeNuma(const Context& context, Domain& domain) {
  const GuestInput& input = context.input;
  ASSIGN_OR_RETURN(domain.cpuset, FloatingCpus(context));
  if (!input.numa) return OkStatus();
  const bool shared = WantsHugePages(input);  // so that a vhost-user backend can map them
  for (const InstanceNumaCell& cell : input.numa->cells) {
    domain.cpu.cells.push_back({cell.id, cell.TotalCpus(), cell.memory * 1024, shared});
  }
  if (!input.host_numa || input.host_numa->cells.empty()) return OkStatus();
  domain.cpuset.reset();
  return PinCells(context, domain);
}

}  // namespace kilonova::agent::guest
