// SPDX-License-Identifier: Apache-2.0
// The versioned objects a compute host works with, as plain structs. Each Read function takes the
// object as it is on the wire and the path to name in errors (OBJECT_INVALID, detail "field").
// They read what is used and check it; what else an object holds stays in the message.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/flavor.h"
#include "common/model/requests.h"
#include "common/model/states.h"
#include "proto/oslo/reader.h"

namespace kilonova::oslo {

// Flavor 1.2.
model::Flavor ReadFlavor(Reader data);

// ImageMeta 1.8 with its ImageMetaProps 1.34; property values as text, lists and maps left out.
struct ImageMeta {
  Uuid id;  // empty: booted from a volume
  std::string name, status, checksum, owner, disk_format, container_format;
  std::int64_t size = 0, min_ram = 0, min_disk = 0;
  std::map<std::string, std::string> properties;
};
ImageMeta ReadImageMeta(Reader data);

// InstanceNUMATopology 1.3, InstanceNUMACell 1.6.
struct NumaCell {
  std::int64_t id = 0, memory_mb = 0;
  std::vector<std::int64_t> cpuset, pcpuset;
  std::optional<std::int64_t> pagesize_kb;
  std::string cpu_policy, cpu_thread_policy;
};
struct NumaTopology {
  std::vector<NumaCell> cells;
  std::string emulator_threads_policy;
};
NumaTopology ReadNumaTopology(Reader data);

// InstancePCIRequests 1.1, InstancePCIRequest 1.4.
struct PciRequest {
  std::int64_t count = 0;
  std::string alias_name, request_id, numa_policy;
  std::vector<std::map<std::string, std::string>> spec;
};
std::vector<PciRequest> ReadPciRequests(Reader data);

// NetworkRequestList 1.1, NetworkRequest 1.3.
struct NetworkRequest {
  std::string network_id;  // a uuid, "auto", "none" or ""
  Uuid port_id;
  std::string address, tag;
  bool wants_device = false;  // a PCI device or an accelerator behind the port
};
std::vector<NetworkRequest> ReadNetworkRequests(Reader& parent, std::string_view key);

// BlockDeviceMappingList 1.18, BlockDeviceMapping 1.21.
struct BlockDeviceMapping {
  Uuid uuid, instance_uuid, image_id;
  std::string source_type, destination_type, device_type, disk_bus, device_name, guest_format;
  std::optional<std::int64_t> boot_index, volume_size_gb;
  bool no_device = false, encrypted = false;
};
std::vector<BlockDeviceMapping> ReadBlockDevices(Reader& parent, std::string_view key);

// SchedulerLimits 1.0.
struct SchedulerLimits {
  std::optional<std::int64_t> vcpu, memory_mb, disk_gb;
};
SchedulerLimits ReadSchedulerLimits(Reader data);

// Selection 1.1.
struct Selection {
  std::string service_host, nodename, availability_zone;
  Uuid compute_node_uuid, cell_uuid;
};
Selection ReadSelection(Reader data);

// Instance 2.7.
struct Instance {
  model::InstanceSpec spec;
  std::optional<model::Flavor> flavor;
  Uuid image_ref, kernel_id, ramdisk_id;  // empty = none
  std::string host, node;
  model::VmState vm_state = model::VmState::kBuilding;
  model::TaskState task_state = model::TaskState::kNone;
  model::PowerState power_state = model::PowerState::kNoState;
  std::optional<WallTime> launched_at;
  std::map<std::string, std::string> system_metadata;
  std::optional<NumaTopology> numa_topology;
  std::vector<PciRequest> pci_requests;
  bool has_trusted_certs = false, has_resources = false;
};
Instance ReadInstance(Reader data);

// RequestSpec 1.14.
struct RequestSpec {
  Uuid instance_uuid;
  std::string project_id, user_id, availability_zone;
  std::int64_t num_instances = 1;
  bool is_bfv = false;  // boot from volume
  model::Flavor flavor;
  std::optional<ImageMeta> image;
  std::optional<NumaTopology> numa_topology;
  std::vector<PciRequest> pci_requests;
  std::optional<SchedulerLimits> limits;
  std::vector<NetworkRequest> requested_networks;
};
RequestSpec ReadRequestSpec(Reader data);

}  // namespace kilonova::oslo
