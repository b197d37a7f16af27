// SPDX-License-Identifier: Apache-2.0
// A host's NUMA cells as guests may use them: Nova's _get_host_numa_topology.
#pragma once

#include <optional>

#include "agent/core/guest_capabilities.h"
#include "agent/guest/config.h"
#include "common/base/status.h"
#include "common/hardware/topology.h"

namespace kilonova::agent::guest {

// libvirt's cells with the CPUs that the configured sets leave to shared and to pinned guests, and
// nothing used yet. Without a set for pinned guests, and without one for shared guests either, both
// kinds may have all. Nothing when libvirt reports no cells. CONFIG_INVALID when a set names CPUs
// that are not online.
Expected<std::optional<hardware::HostNumaTopology>> HostNuma(const core::GuestCapabilities& host,
                                                             const CpuConfig& config);

}  // namespace kilonova::agent::guest
