// SPDX-License-Identifier: Apache-2.0
// One factory per weigher file; for weighers.cpp alone. Each takes its configured multiplier.
#pragma once

#include <memory>

#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::weighers {

std::unique_ptr<core::Weigher> MakeBalanceWeigher(double multiplier);
std::unique_ptr<core::Weigher> MakeCpuWeigher(double multiplier);
std::unique_ptr<core::Weigher> MakeDiskWeigher(double multiplier);
std::unique_ptr<core::Weigher> MakeRamWeigher(double multiplier);

}  // namespace kilonova::scheduler::weighers
