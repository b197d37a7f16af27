// SPDX-License-Identifier: Apache-2.0
// Which host CPUs a guest cell's dedicated CPUs get. Internal.
#pragma once

#include <cstddef>

#include "common/base/status.h"
#include "common/hardware/topology.h"

namespace kilonova::hardware {

// Packs the cell's pcpuset onto the host cell's free cores by its thread policy, with `reserved`
// more CPUs for the emulator threads: true, and cpu_pinning, cpuset_reserved and id are set; or
// false, and the cell is as it was. An error for a host cell without siblings (ValueError).
Expected<bool> PackOntoCores(const HostNumaCell& host, InstanceNumaCell& instance,
                             std::size_t reserved);

}  // namespace kilonova::hardware
