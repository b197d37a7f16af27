// SPDX-License-Identifier: Apache-2.0
// Does a guest's NUMA topology fit a host, where to, and what is used then
// (nova.virt.hardware.numa_fit_instance_to_host and numa_usage_from_instance_numa).
//
//   ASSIGN_OR_RETURN(const auto fitted, FitInstanceToHost({.host = host_numa, .instance = wanted,
//                                                          .limits = &limits}));
//   if (!fitted) ...  // does not fit
//   ASSIGN_OR_RETURN(host_numa, UsageAfter(host_numa, *fitted, Usage::kTake));
#pragma once

#include <optional>
#include <vector>

#include "common/base/status.h"
#include "common/hardware/pci_stats.h"
#include "common/hardware/topology.h"

namespace kilonova::hardware {

// Which host cells come first where there are more than the guest needs: the emptiest, or with
// compute.packing_host_numa_cells_allocation_strategy the fullest.
enum class CellOrder : std::uint8_t { kSpread, kPack };

struct FitRequest {
  const HostNumaTopology& host;
  const InstanceNumaTopology& instance;
  const NumaLimits* limits = nullptr;  // none: shared CPUs and memory are bound by the cell alone
  const std::vector<PciRequest>* pci_requests = nullptr;
  const PciStats* pci_stats = nullptr;   // none: PCI plays no part
  CellOrder order = CellOrder::kSpread;  // Nova's default
};

// Nova tries every arrangement of the host's cells. Hosts of up to eight cells have no more than
// this; a guest that fits none of the first so many on a larger host is taken not to fit at all.
inline constexpr std::int64_t kMaxArrangements = 100'000;

// The instance with the host's cell ids, page sizes, pinning and reserved CPUs; nothing when it
// does not fit. An error (FAILED_PRECONDITION, nova_exception) only where Nova raises: a host that
// lists no siblings, or pages of size 0.
Expected<std::optional<InstanceNumaTopology>> FitInstanceToHost(const FitRequest& request);

// The same, for whoever is going to count it. Nova sometimes leaves a guest of several cells with
// CPUs of a host cell that it is not on, or an isolated guest's emulator on a core that others use;
// the claim then fails where it need not. Here the first arrangement that holds is taken instead.
Expected<std::optional<InstanceNumaTopology>> FitInstanceSoundly(const FitRequest& request);

enum class Usage : std::uint8_t { kTake, kFree };
// The host with the usage of a fitted instance added or taken away. FAILED_PRECONDITION with
// nova_exception CPUPinningInvalid, CPUPinningUnknown, CPUUnpinningInvalid or CPUUnpinningUnknown
// when its CPUs are not free (not pinned, not the cell's); IndexError on a cell without page sizes.
Expected<HostNumaTopology> UsageAfter(const HostNumaTopology& host,
                                      const InstanceNumaTopology& instance, Usage usage);

}  // namespace kilonova::hardware
