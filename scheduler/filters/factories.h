// SPDX-License-Identifier: Apache-2.0
// One factory per filter file; for filters.cpp alone.
#pragma once

#include <memory>

#include "scheduler/core/pipeline.h"
#include "scheduler/filters/filters.h"

namespace kilonova::scheduler::filters {

std::unique_ptr<core::Filter> MakeAggregateInstanceExtraSpecsFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeAggregateIoOpsFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeAggregateMultiTenancyIsolation(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeAggregateNumInstancesFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeAggregateTypeAffinityFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeAggregateImagePropertiesIsolation(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeAllHostsFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeAvailabilityZoneFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeComputeCapabilitiesFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeComputeFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeDifferentHostFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeImagePropertiesFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeIoOpsFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeIsolatedHostsFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeJsonFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeMetricsFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeNumaTopologyFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakePciPassthroughFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeNumInstancesFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeSameHostFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeServerGroupAffinityFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeServerGroupAntiAffinityFilter(const FilterOptions& options);
std::unique_ptr<core::Filter> MakeSimpleCidrAffinityFilter(const FilterOptions& options);

}  // namespace kilonova::scheduler::filters
