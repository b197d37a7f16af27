// SPDX-License-Identifier: Apache-2.0
// Reads recorded decisions of real Nova: hosts and requests as the vector files spell them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/fleet.h"
#include "scheduler/core/host_state.h"
#include "scheduler/core/placement.h"
#include "scheduler/filters/filters.h"
#include "scheduler/weighers/weighers.h"
#include "tests/unit/common/hardware/numa_json.h"

namespace kilonova::scheduler::core::testing {

using Json = nlohmann::json;

using hardware::testing::LoadVectors;

// `host` over the file's host_defaults; `config` is the vector's.
HostState HostFrom(const Json& file, const Json& host, const Json& config);
// `spec` over the file's spec_defaults, with one instance.
PlacementRequest RequestFrom(const Json& file, const Json& spec);
// Nova's defaults with the vector's `config` over them.
filters::FilterOptions FilterOptionsFrom(const Json& config);
weighers::WeigherOptions WeigherOptionsFrom(const Json& config);
// A number, or one of the strings nan, inf, -inf.
double NumberFrom(const Json& value);
// Equal, counting nan equal to nan.
bool Same(double a, double b);
// "filter_scheduler.x" of a vector's config, or `fallback`.
Json Option(const Json& config, const std::string& name, Json fallback);

}  // namespace kilonova::scheduler::core::testing
