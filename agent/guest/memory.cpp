// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/guest/context.h"
#include "agent/guest/refusal.h"

namespace kilonova::agent::guest {
namespace {

// libvirt backs nothing with the smallest page size.
Expected<std::vector<MemoryPages>> HugePages(const GuestInput& input, const Domain& domain) {
  if (!input.host_numa || input.host_numa->cells.empty() ||
      input.host_numa->cells.front().mempages.empty() || !domain.numa_tune) {
    return Refuse(reason::kHostResourcesExhausted, "MemoryPagesUnsupported",
                  "this host offers no page sizes to choose from", {{"field", "hw:mem_page_size"}});
  }
  const auto smallest =
      std::ranges::min(input.host_numa->cells.front().mempages, {}, &hardware::HostPages::size_kb)
          .size_kb;
  std::vector<MemoryPages> pages;
  for (std::size_t i = 0; i < input.numa->cells.size(); ++i) {
    const auto size = input.numa->cells[i].pagesize.value_or(0);
    const auto cell = static_cast<std::int64_t>(i);
    if (size > smallest && std::ranges::find(domain.numa_tune->nodes, cell, &MemNode::cell) !=
                               domain.numa_tune->nodes.end()) {
      pages.push_back({size, cell});
    }
  }
  return pages;
}

}  // namespace

Status DescribeMemory(Context& context, Domain& domain) {
  const bool realtime = hardware::RealtimeEnabled(context.needs);
  if (realtime) {
    ASSIGN_OR_RETURN(const auto policy, hardware::EmulatorThreadsPolicyConstraint(context.needs));
    const auto& shared = context.config.cpu.shared_set;
    if (policy == hardware::EmulatorThreadsPolicy::kShare && (!shared || shared->Empty())) {
      return Refuse(reason::kConfigInvalid, "RealtimeMaskNotFoundOrInvalid",
                    "real-time CPUs with shared emulator threads need cpu_shared_set on the host",
                    {{"field", "cpu_shared_set"}});
    }
  }
  const auto& numa = context.input.numa;
  const bool pages = numa && std::ranges::any_of(numa->cells, [](const auto& cell) {
                       return cell.pagesize.value_or(0) != 0;
                     });
  if (pages && context.config.file_backed_memory) {
    return Refuse(reason::kHostResourcesExhausted, "MemoryPagesUnsupported",
                  "pages of a size cannot be had where memory is backed by files",
                  {{"field", "hw:mem_page_size"}});
  }
  MemoryBacking backing;
  if (pages) {
    ASSIGN_OR_RETURN(backing.hugepages, HugePages(context.input, domain));
  }
  if (context.host.amd_sev) {
    ASSIGN_OR_RETURN(context.sev,
                     hardware::MemEncryptionConstraint(context.needs, context.machine));
  }
  ASSIGN_OR_RETURN(const auto locked, hardware::LockedMemoryConstraint(context.needs));
  backing.nosharepages = realtime;
  backing.locked = realtime || context.sev || locked.value_or(false);
  backing.file = context.config.file_backed_memory;
  if (!backing.hugepages.empty() || backing.locked || backing.file) {
    domain.memory_backing = std::move(backing);
  }
  return OkStatus();
}

}  // namespace kilonova::agent::guest
