// SPDX-License-Identifier: Apache-2.0
// The order in which CPython 3.11 walks a set of small integers. Nova hands out a core's threads in
// that order ({16, 1} gives 16 first), so whoever wants the same CPUs must know it. Internal.
#pragma once

#include <vector>

#include "common/hardware/cpu_set.h"

namespace kilonova::hardware {

// Of a set to which the ids were added ascending.
std::vector<CpuId> PythonOrder(const CpuSet& cpus);

// Of `core & free`, for a core's threads and `pcpuset - pinned` (= free), all as fields of Nova's
// objects hold them.
std::vector<CpuId> PythonFreeThreads(const CpuSet& core, const CpuSet& free, const CpuSet& pcpuset,
                                     const CpuSet& pinned);

}  // namespace kilonova::hardware
