// SPDX-License-Identifier: Apache-2.0
// One guest cell on one host cell, and the networks of those chosen. Internal to common/hardware.
#pragma once

#include <vector>

#include "common/base/status.h"
#include "common/hardware/pinning.h"
#include "common/hardware/topology.h"

namespace kilonova::hardware {

// True when the guest cell fits, with those CPUs more for the emulator: it then has the host's id,
// pages and pinning. When it does not, it may have some of them all the same.
Expected<bool> FitCell(const HostNumaCell& host, InstanceNumaCell& cell, const NumaLimits* limits,
                       const EmulatorCpus& emulator);

// False when a network needed is near to a cell of the host and to none of those chosen.
bool SuitsNetworks(const HostNumaTopology& host, const std::vector<const HostNumaCell*>& chosen,
                   const NetworkMetadata& needed);

}  // namespace kilonova::hardware
