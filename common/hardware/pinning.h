// SPDX-License-Identifier: Apache-2.0
// Which host CPUs a guest cell's dedicated CPUs get. Internal.
#pragma once

#include <cstddef>

#include "common/base/status.h"
#include "common/hardware/topology.h"

namespace kilonova::hardware {

// CPUs beside the guest's own, for the emulator threads.
struct EmulatorCpus {
  std::size_t count = 0;
  // With thread policy isolate a CPU takes its whole core, yet Nova gives the emulator CPUs of
  // cores that others are on, and the claim fails. kWholeCores does not.
  enum class From { kAnyCores, kWholeCores } from = From::kAnyCores;
};

// Packs the cell's pcpuset onto the host cell's free cores by its thread policy: true, and
// cpu_pinning, cpuset_reserved and id are set; or false, and the cell is as it was. An error for a
// host cell without siblings (ValueError).
Expected<bool> PackOntoCores(const HostNumaCell& host, InstanceNumaCell& instance,
                             const EmulatorCpus& emulator);

}  // namespace kilonova::hardware
