// SPDX-License-Identifier: Apache-2.0
// One factory per filter file; for filters.cpp alone.
#pragma once

#include <memory>

#include "scheduler/core/pipeline.h"
#include "scheduler/filters/filters.h"

namespace kilonova::scheduler::filters {

std::unique_ptr<core::Filter> MakeAvailabilityZoneFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeComputeCapabilitiesFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeComputeFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeDifferentHostFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeImagePropertiesFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeSameHostFilter(const FilterOptions& options);

}  // namespace kilonova::scheduler::filters
