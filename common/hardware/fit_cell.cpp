// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/fit_cell.h"

#include <algorithm>

#include "common/hardware/pages.h"

namespace kilonova::hardware {
namespace {

bool HasDedicated(const InstanceNumaCell& cell) {
  return cell.cpu_policy == CpuPolicy::kDedicated || cell.cpu_policy == CpuPolicy::kMixed;
}

bool HasShared(const InstanceNumaCell& cell) { return cell.cpu_policy != CpuPolicy::kDedicated; }

bool IsWithin(const HostNumaCell& host, const InstanceNumaCell& cell, const NumaLimits& limits) {
  const auto over = [](std::int64_t usage, double total, double ratio) {
    return static_cast<double>(usage) > total * ratio;
  };
  const auto cpus = host.cpu_usage + static_cast<std::int64_t>(cell.cpuset.Size());
  return !over(cpus, static_cast<double>(host.cpuset.Size()), limits.cpu_allocation_ratio) &&
         !over(host.memory_usage + cell.memory, static_cast<double>(host.memory),
               limits.ram_allocation_ratio);
}

bool IsNear(const HostNumaCell& cell, const std::string& physnet) {
  return cell.network_metadata && cell.network_metadata->physnets.contains(physnet);
}

bool IsTunneled(const HostNumaCell& cell) {
  return cell.network_metadata && cell.network_metadata->tunneled;
}

}  // namespace

Expected<bool> FitCell(const HostNumaCell& host, InstanceNumaCell& cell, const NumaLimits* limits,
                       const EmulatorCpus& emulator) {
  ASSIGN_OR_RETURN(const bool pages, FitPages(host, cell));
  if (!pages) return false;
  // Overcommitted or not, a guest is not put upon itself.
  const std::size_t dedicated = cell.pcpuset.Size() + emulator.count;
  if (HasDedicated(cell) && dedicated > host.pcpuset.Size()) return false;
  if (HasShared(cell) && cell.cpuset.Size() > host.cpuset.Size()) return false;
  if (HasDedicated(cell)) {
    if (dedicated > host.FreePcpuCount() || cell.memory > host.AvailMemory()) return false;
    ASSIGN_OR_RETURN(const bool packed, PackOntoCores(host, cell, emulator));
    if (!packed) return false;
  }
  if (HasShared(cell) && limits != nullptr && !IsWithin(host, cell, *limits)) return false;
  cell.id = host.id;
  return true;
}

bool SuitsNetworks(const HostNumaTopology& host, const std::vector<const HostNumaCell*>& chosen,
                   const NetworkMetadata& needed) {
  for (const auto& physnet : needed.physnets) {
    const bool near = std::ranges::any_of(
        chosen, [&](const HostNumaCell* cell) { return IsNear(*cell, physnet); });
    // A network that is near to no cell may be reached from any.
    if (!near && std::ranges::any_of(
                     host.cells, [&](const HostNumaCell& cell) { return IsNear(cell, physnet); })) {
      return false;
    }
  }
  if (!needed.tunneled) return true;
  return std::ranges::any_of(chosen, [](const HostNumaCell* cell) { return IsTunneled(*cell); }) ||
         std::ranges::none_of(host.cells, IsTunneled);
}

}  // namespace kilonova::hardware
