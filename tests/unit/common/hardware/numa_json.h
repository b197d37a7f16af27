// SPDX-License-Identifier: Apache-2.0
// Hosts, guests and devices as the numa vectors spell them, both ways.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/hardware/constraints.h"
#include "common/hardware/fit.h"

namespace kilonova::hardware::testing {

using Json = nlohmann::json;

// tests/vectors/<name>, or that of the directory KILONOVA_VECTORS names. Throws if there is none.
Json LoadVectors(const std::string& name);

model::Flavor FlavorFrom(const Json& json);
std::map<std::string, std::string> PropertiesFrom(const Json& image);

NetworkMetadata NetworksFrom(const Json& json);
HostNumaTopology HostFrom(const Json& json);
InstanceNumaTopology InstanceFrom(const Json& json);
std::optional<NumaLimits> LimitsFrom(const Json& json);
std::vector<PciRequest> RequestsFrom(const Json& json);
std::vector<PciDevicePool> PoolsFrom(const Json& json);

Json ToJson(const CpuSet& cpus);
Json ToJson(const CpuTopology& topology);
Json ToJson(const HostNumaTopology& host);
Json ToJson(const InstanceNumaTopology& instance);

}  // namespace kilonova::hardware::testing
