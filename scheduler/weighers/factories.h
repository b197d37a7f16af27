// SPDX-License-Identifier: Apache-2.0
// One factory per weigher file; for weighers.cpp alone. Each takes its multiplier
// apart, the default already put in.
#pragma once

#include <memory>

#include "scheduler/core/pipeline.h"
#include "scheduler/weighers/weighers.h"

namespace kilonova::scheduler::weighers {

std::unique_ptr<core::Weigher> MakeBalanceWeigher(double multiplier, const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeBuildFailureWeigher(double multiplier,
                                                       const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeCpuWeigher(double multiplier, const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeCrossCellWeigher(double multiplier,
                                                    const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeDiskWeigher(double multiplier, const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeHypervisorVersionWeigher(double multiplier,
                                                            const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeImagePropertiesWeigher(double multiplier,
                                                          const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeIoOpsWeigher(double multiplier, const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeMetricsWeigher(double multiplier, const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeNumInstancesWeigher(double multiplier,
                                                       const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakePciWeigher(double multiplier, const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeRamWeigher(double multiplier, const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeServerGroupSoftAffinityWeigher(double multiplier,
                                                                  const WeigherOptions& options);
std::unique_ptr<core::Weigher> MakeServerGroupSoftAntiAffinityWeigher(
    double multiplier, const WeigherOptions& options);

}  // namespace kilonova::scheduler::weighers
