// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/registry.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace kilonova::oslo {
namespace {

struct Entry {
  std::string_view name;
  Version version;
};

// Nova 26 (Zed), without notification objects; sorted by name.
constexpr Entry kObjects[] = {
    {"Aggregate", {1, 3}},
    {"AggregateList", {1, 3}},
    {"BlockDeviceMapping", {1, 21}},
    {"BlockDeviceMappingList", {1, 18}},
    {"BuildRequest", {1, 3}},
    {"BuildRequestList", {1, 0}},
    {"CellMapping", {1, 1}},
    {"CellMappingList", {1, 1}},
    {"ComputeNode", {1, 19}},
    {"ComputeNodeList", {1, 17}},
    {"ConsoleAuthToken", {1, 1}},
    {"CpuDiagnostics", {1, 0}},
    {"Destination", {1, 4}},
    {"DeviceBus", {1, 0}},
    {"DeviceMetadata", {1, 0}},
    {"Diagnostics", {1, 0}},
    {"DiskDiagnostics", {1, 0}},
    {"DiskMetadata", {1, 0}},
    {"EC2Ids", {1, 0}},
    {"EC2InstanceMapping", {1, 0}},
    {"Flavor", {1, 2}},
    {"FlavorList", {1, 1}},
    {"HVSpec", {1, 2}},
    {"HostMapping", {1, 0}},
    {"HostMappingList", {1, 1}},
    {"HyperVLiveMigrateData", {1, 4}},
    {"IDEDeviceBus", {1, 0}},
    {"ImageMeta", {1, 8}},
    {"ImageMetaProps", {1, 34}},
    {"Instance", {2, 7}},
    {"InstanceAction", {1, 2}},
    {"InstanceActionEvent", {1, 4}},
    {"InstanceActionEventList", {1, 1}},
    {"InstanceActionList", {1, 1}},
    {"InstanceDeviceMetadata", {1, 0}},
    {"InstanceExternalEvent", {1, 5}},
    {"InstanceFault", {1, 2}},
    {"InstanceFaultList", {1, 2}},
    {"InstanceGroup", {1, 11}},
    {"InstanceGroupList", {1, 8}},
    {"InstanceInfoCache", {1, 5}},
    {"InstanceList", {2, 6}},
    {"InstanceMapping", {1, 2}},
    {"InstanceMappingList", {1, 3}},
    {"InstanceNUMACell", {1, 6}},
    {"InstanceNUMATopology", {1, 3}},
    {"InstancePCIRequest", {1, 4}},
    {"InstancePCIRequests", {1, 1}},
    {"KeyPair", {1, 4}},
    {"KeyPairList", {1, 3}},
    {"LibvirtLiveMigrateBDMInfo", {1, 1}},
    {"LibvirtLiveMigrateData", {1, 10}},
    {"LibvirtLiveMigrateNUMAInfo", {1, 0}},
    {"LibvirtVPMEMDevice", {1, 0}},
    {"MemoryDiagnostics", {1, 0}},
    {"Migration", {1, 7}},
    {"MigrationContext", {1, 2}},
    {"MigrationList", {1, 5}},
    {"MonitorMetric", {1, 1}},
    {"MonitorMetricList", {1, 1}},
    {"NUMACell", {1, 5}},
    {"NUMAPagesTopology", {1, 1}},
    {"NUMATopology", {1, 2}},
    {"NUMATopologyLimits", {1, 1}},
    {"NetworkInterfaceMetadata", {1, 2}},
    {"NetworkMetadata", {1, 0}},
    {"NetworkRequest", {1, 3}},
    {"NetworkRequestList", {1, 1}},
    {"NicDiagnostics", {1, 0}},
    {"PCIDeviceBus", {1, 0}},
    {"PciDevice", {1, 7}},
    {"PciDeviceList", {1, 3}},
    {"PciDevicePool", {1, 1}},
    {"PciDevicePoolList", {1, 1}},
    {"Quotas", {1, 3}},
    {"QuotasNoOp", {1, 3}},
    {"RequestGroup", {1, 3}},
    {"RequestLevelParams", {1, 1}},
    {"RequestSpec", {1, 14}},
    {"Resource", {1, 0}},
    {"ResourceList", {1, 0}},
    {"ResourceMetadata", {1, 0}},
    {"S3ImageMapping", {1, 0}},
    {"SCSIDeviceBus", {1, 0}},
    {"SchedulerLimits", {1, 0}},
    {"SchedulerRetries", {1, 1}},
    {"SecurityGroup", {1, 2}},
    {"SecurityGroupList", {1, 1}},
    {"Selection", {1, 1}},
    {"Service", {1, 22}},
    {"ServiceList", {1, 19}},
    {"Tag", {1, 1}},
    {"TagList", {1, 1}},
    {"TaskLog", {1, 0}},
    {"TaskLogList", {1, 0}},
    {"TrustedCerts", {1, 0}},
    {"USBDeviceBus", {1, 0}},
    {"VIFMigrateData", {1, 0}},
    {"VMwareLiveMigrateData", {1, 0}},
    {"VirtCPUFeature", {1, 0}},
    {"VirtCPUModel", {1, 0}},
    {"VirtCPUTopology", {1, 0}},
    {"VirtualInterface", {1, 3}},
    {"VirtualInterfaceList", {1, 0}},
    {"VolumeUsage", {1, 0}},
    {"XenDeviceBus", {1, 0}},
};

}  // namespace

std::optional<Version> ParseVersion(std::string_view text) {
  Version version;
  const auto read = [&text](int* number) {
    const char* end = text.data() + text.size();
    const auto [next, error] = std::from_chars(text.data(), end, *number);
    const bool good = error == std::errc() && *number >= 0 && text.front() != '-';
    if (good) text.remove_prefix(static_cast<std::size_t>(next - text.data()));
    return good;
  };
  const auto dot = [&text] {
    const bool there = text.starts_with('.');
    if (there) text.remove_prefix(1);
    return there;
  };
  if (!read(&version.major_number) || !dot() || !read(&version.minor_number)) return std::nullopt;
  int revision = 0;  // "1.4.1" speaks 1.4
  if (!text.empty() && (!dot() || !read(&revision) || !text.empty())) return std::nullopt;
  return version;
}

std::optional<Version> SpokenVersion(std::string_view object_name) {
  const auto it = std::ranges::lower_bound(kObjects, object_name, {}, &Entry::name);
  if (it == std::end(kObjects) || it->name != object_name) return std::nullopt;
  return it->version;
}

}  // namespace kilonova::oslo
