// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "common/hardware/errors.h"
#include "common/hardware/fit.h"
#include "common/hardware/pages.h"

namespace kilonova::hardware {
namespace {

// The CPUs with every thread of the cores they are of. CPUs of no core are lost, as in Nova.
CpuSet WithSiblings(const HostNumaCell& host, const CpuSet& cpus) {
  CpuSet all;
  for (const CpuSet& core : host.siblings) {
    if (core.Intersects(cpus)) all |= core;
  }
  return all;
}

Status Pin(HostNumaCell& host, const CpuSet& cpus) {
  if (!host.pcpuset.Includes(cpus)) {
    return HostRefused("CPUPinningUnknown", "CPUs " + FormatCpuSpec(cpus - host.pcpuset) +
                                                " are not dedicated CPUs of the cell");
  }
  if (host.pinned_cpus.Intersects(cpus)) {
    return HostRefused("CPUPinningInvalid",
                       "CPUs " + FormatCpuSpec(host.pinned_cpus & cpus) + " are pinned already");
  }
  host.pinned_cpus |= cpus;
  return OkStatus();
}

Status Unpin(HostNumaCell& host, const CpuSet& cpus) {
  if (!host.pcpuset.Includes(cpus)) {
    return HostRefused("CPUUnpinningUnknown", "CPUs " + FormatCpuSpec(cpus - host.pcpuset) +
                                                  " are not dedicated CPUs of the cell");
  }
  if (!host.pinned_cpus.Includes(cpus)) {
    return HostRefused("CPUUnpinningInvalid",
                       "CPUs " + FormatCpuSpec(cpus - host.pinned_cpus) + " are not pinned");
  }
  host.pinned_cpus -= cpus;
  return OkStatus();
}

Status CountPages(HostNumaCell& host, const InstanceNumaCell& instance, double sign) {
  std::int64_t size = instance.pagesize.value_or(0);
  if (size == 0) {
    const auto smallest = SmallestPage(host);
    if (!smallest) return HostRefused("IndexError", "the host cell lists no page sizes");
    size = *smallest;
  }
  for (auto& pages : host.mempages) {
    if (pages.size_kb != size) continue;
    if (size == 0) return HostRefused("ZeroDivisionError", "the host has pages of no size");
    // In floating point and cut off, as Nova counts.
    const double count = static_cast<double>(instance.memory * 1024) / static_cast<double>(size);
    const double used = static_cast<double>(pages.used) + count * sign;
    pages.used = static_cast<std::int64_t>(std::max(0.0, used));
  }
  return OkStatus();
}

Status PinOrUnpin(HostNumaCell& host, const InstanceNumaCell& instance, Usage usage) {
  const bool shared =
      instance.cpu_policy == CpuPolicy::kNone || instance.cpu_policy == CpuPolicy::kShared;
  if (shared) return OkStatus();
  if (instance.cpu_pinning.empty()) {
    return HostRefused("AttributeError", "the instance has dedicated CPUs that are not pinned");
  }
  CpuSet cpus = instance.PinnedHostCpus() | instance.cpuset_reserved;
  if (instance.cpu_thread_policy == CpuThreadPolicy::kIsolate) cpus = WithSiblings(host, cpus);
  return usage == Usage::kTake ? Pin(host, cpus) : Unpin(host, cpus);
}

}  // namespace

Expected<HostNumaTopology> UsageAfter(const HostNumaTopology& host,
                                      const InstanceNumaTopology& instance, Usage usage) {
  HostNumaTopology after = host;
  if (instance.cells.empty()) return after;
  const std::int64_t sign = usage == Usage::kTake ? 1 : -1;
  for (auto& cell : after.cells) {
    for (const auto& guest : instance.cells) {
      if (guest.id != cell.id) continue;
      RETURN_IF_ERROR(CountPages(cell, guest, static_cast<double>(sign)));
      cell.memory_usage += sign * guest.memory;
      cell.cpu_usage += sign * static_cast<std::int64_t>(guest.cpuset.Size());
      RETURN_IF_ERROR(PinOrUnpin(cell, guest, usage));
    }
    cell.memory_usage = std::max<std::int64_t>(0, cell.memory_usage);
    cell.cpu_usage = std::max<std::int64_t>(0, cell.cpu_usage);
  }
  return after;
}

}  // namespace kilonova::hardware
