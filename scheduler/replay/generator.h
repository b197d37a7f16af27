// SPDX-License-Identifier: Apache-2.0
// Makes a workload with the marginals published for a zone of a large cloud: sizes, lifetimes by
// priority, batches of one tenant, bursts far from Poisson, a daily cycle.
//
// Sources: sizes, lifetimes, priorities and the population at the start are those of the Azure zone
// of 2020 (O. Hadary et al., "Protean", OSDI 2020, public data set); batch sizes, dispersion and
// the hourly factors those of Azure's first-party VMs of 2017 (E. Cortez et al., "Resource
// Central", SOSP 2017, public data set).
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/replay/trace.h"

namespace kilonova::scheduler::replay {

struct WorkloadOptions {
  std::uint64_t seed = 1;
  double days = 14;                // length, 0 to 365
  std::int64_t arrivals = 50'000;  // in that time, about; 1 to 50,000,000
};

// Sorted by start; the VMs that ran already first, with negative starts. The same options give the
// same workload. INVALID_ARGUMENT for options out of range.
Expected<std::vector<TraceVm>> GenerateWorkload(const WorkloadOptions& options);

}  // namespace kilonova::scheduler::replay
