// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/model/reports.h"

namespace kilonova::v1 {
class HostInstance;
class HostReport;
class Inventory;
class PciPool;
class ResourceProvider;
}  // namespace kilonova::v1

namespace kilonova::grpc {

void ToProto(const std::string& resource_class, const model::Inventory& inventory,
             v1::Inventory* out);  // all but `used`
void ToProto(const model::HostInstance& instance, v1::HostInstance* out);
void ToProto(const model::PciPool& pool, v1::PciPool* out);
void ToProto(const model::NestedProvider& provider, v1::ResourceProvider* out);  // without `used`
// `report.host` is not part of the message: the session says who speaks.
void ToProto(const model::HostReport& report, const std::vector<model::HostInstance>& instances,
             const std::map<std::string, std::int64_t>& counters, v1::HostReport* out);

// INVALID_ARGUMENT (detail "field") for a resource class named twice or not [A-Z0-9_]+, inventories
// Placement would refuse, and more than kMost... of anything.
Expected<model::HostReport> FromProto(const std::string& host, const v1::HostReport& report);
Expected<model::HostInstance> FromProto(const v1::HostInstance& instance);
Expected<std::vector<model::HostInstance>> InstancesFromProto(const v1::HostReport& report);

inline constexpr int kMostInventories = 128;
inline constexpr int kMostTraits = 1024;
inline constexpr int kMostCounters = 256;
inline constexpr int kMostHostInstances = 16384;
inline constexpr int kMostStats = 256;
inline constexpr int kMostPciPools = 1024;
inline constexpr int kMostProviders = 256;
inline constexpr int kMostAddresses = 64;  // of one instance

}  // namespace kilonova::grpc
