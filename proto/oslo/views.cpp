// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/views.h"

#include <limits>

#include "proto/oslo/text_checks.h"

namespace kilonova::oslo {
namespace {

constexpr std::int64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMaxDevices = 64;
constexpr std::size_t kMaxNetworks = 32;
constexpr std::size_t kMaxCells = 128;
constexpr std::size_t kMaxCpus = 4096;

std::vector<std::int64_t> ReadIntegers(Reader& data, std::string_view key) {
  std::vector<std::int64_t> out;
  const Json* value = data.Find(key);
  if (value == nullptr) return out;
  const Json::Array* list = value->AsArray();
  if (list == nullptr || list->size() > kMaxCpus) {
    data.Refuse(key, "is not a list of CPU numbers");
    return out;
  }
  for (const Json& element : *list) {
    if (element.AsInt() == nullptr) {
      data.Refuse(key, "is not a list of CPU numbers");
      return {};
    }
    out.push_back(*element.AsInt());
  }
  return out;
}

std::optional<std::int64_t> IntOrNone(Reader& data, std::string_view key, std::int64_t least) {
  if (!data.Has(key)) return std::nullopt;
  return data.Int(key, least, kMaxInt32);
}

// A property's value in Nova's own text form; nullopt for lists and maps.
std::optional<std::string> PropertyText(const Json& value) {
  if (const std::string* text = value.AsString()) return *text;
  if (const bool* flag = value.AsBool()) return *flag ? "True" : "False";
  if (value.AsInt() != nullptr || value.AsFraction() != nullptr) return DumpJson(value);
  return std::nullopt;
}

}  // namespace

model::Flavor ReadFlavor(Reader data) {
  model::Flavor flavor;
  flavor.id = data.IntOr("id", 0, 0, kMaxInt64);
  flavor.flavorid = data.Text("flavorid");
  flavor.name = data.Text("name");
  flavor.vcpus = data.Int("vcpus", 1, kMaxInt32);
  flavor.memory_mb = data.Int("memory_mb", 1, kMaxInt32);
  flavor.root_gb = data.Int("root_gb", 0, kMaxInt32);
  flavor.ephemeral_gb = data.Int("ephemeral_gb", 0, kMaxInt32);
  flavor.swap_mb = data.Int("swap", 0, kMaxInt32);
  flavor.rxtx_factor = data.NumberOr("rxtx_factor", 1.0);
  flavor.is_public = data.FlagOr("is_public", true);
  flavor.disabled = data.FlagOr("disabled", false);
  flavor.description = data.TextOr("description", "", 65535);
  flavor.extra_specs = data.Texts("extra_specs", {.entries = 512, .key = 255, .value = 255});
  if (!data.ok()) return flavor;
  if (const Status bounds = model::ValidateFlavor(flavor); !bounds.ok()) {
    const Details details = DetailsOf(bounds);
    const auto field = details.find("field");
    data.Refuse(field == details.end() ? "name" : field->second, "is not within Nova's bounds");
  }
  return flavor;
}

ImageMeta ReadImageMeta(Reader data) {
  ImageMeta image;
  image.id = data.IdOrNone("id");
  image.name = data.TextOr("name", "");
  image.status = data.TextOr("status", "");
  image.checksum = data.TextOr("checksum", "");
  image.owner = data.TextOr("owner", "");
  image.disk_format = data.TextOr("disk_format", "");
  image.container_format = data.TextOr("container_format", "");
  image.size = data.IntOr("size", 0, 0, kMaxInt64);
  image.min_ram = data.IntOr("min_ram", 0, 0, kMaxInt32);
  image.min_disk = data.IntOr("min_disk", 0, 0, kMaxInt32);
  if (!data.Has("properties")) return image;
  const Reader properties = data.Nova("properties", "ImageMetaProps");
  if (!data.ok()) return image;
  for (const Json::Member& member : properties.Members()) {
    if (auto text = PropertyText(member.value)) image.properties.emplace(member.key, *text);
  }
  return image;
}

NumaTopology ReadNumaTopology(Reader data) {
  NumaTopology topology;
  topology.emulator_threads_policy = data.TextOr("emulator_threads_policy", "");
  for (Reader& cell : data.NovaElements("cells", "InstanceNUMACell", kMaxCells)) {
    NumaCell& out = topology.cells.emplace_back();
    out.id = cell.Int("id", -1, kMaxInt32);
    out.memory_mb = cell.Int("memory", 0, kMaxInt32);
    out.cpuset = ReadIntegers(cell, "cpuset");
    out.pcpuset = ReadIntegers(cell, "pcpuset");
    out.pagesize_kb = IntOrNone(cell, "pagesize", -3);
    out.cpu_policy = cell.TextOr("cpu_policy", "");
    out.cpu_thread_policy = cell.TextOr("cpu_thread_policy", "");
  }
  return topology;
}

std::vector<PciRequest> ReadPciRequests(Reader data) {
  std::vector<PciRequest> out;
  for (Reader& request : data.NovaElements("requests", "InstancePCIRequest", kMaxDevices)) {
    PciRequest& pci = out.emplace_back();
    pci.count = request.Int("count", 0, kMaxInt32);
    pci.alias_name = request.TextOr("alias_name", "");
    pci.request_id = request.TextOr("request_id", "");
    pci.numa_policy = request.TextOr("numa_policy", "");
    for (Reader& properties : request.Children("spec", kMaxDevices)) {
      auto& spec = pci.spec.emplace_back();
      for (const Json::Member& member : properties.Members()) {
        spec[member.key] = properties.TextOr(member.key, "");
      }
    }
  }
  return out;
}

std::vector<NetworkRequest> ReadNetworkRequests(Reader& parent, std::string_view key) {
  std::vector<NetworkRequest> out;
  for (Reader& request :
       parent.NovaList(key, "NetworkRequestList", "NetworkRequest", kMaxNetworks)) {
    NetworkRequest& network = out.emplace_back();
    network.network_id = request.TextOr("network_id", "");
    network.port_id = request.IdOrNone("port_id");
    network.address = request.TextOr("address", "");
    network.tag = request.TextOr("tag", "");
    network.wants_device =
        request.Has("pci_request_id") || request.Has("arq_uuid") || request.Has("device_profile");
    const std::string& id = network.network_id;
    request.Require(id.empty() || id == "auto" || id == "none" || Uuid::Parse(id).ok(),
                    "network_id", "is not a canonical uuid");
    const std::string& address = network.address;
    request.Require(address.empty() || IsIpAddress(address, 4) || IsIpAddress(address, 6),
                    "address", "is not an IP address");
  }
  return out;
}

std::vector<BlockDeviceMapping> ReadBlockDevices(Reader& parent, std::string_view key) {
  std::vector<BlockDeviceMapping> out;
  for (Reader& device :
       parent.NovaList(key, "BlockDeviceMappingList", "BlockDeviceMapping", kMaxDevices)) {
    BlockDeviceMapping& bdm = out.emplace_back();
    bdm.uuid = device.IdOrNone("uuid");
    bdm.instance_uuid = device.IdOrNone("instance_uuid");
    bdm.image_id = device.IdOrNone("image_id");
    bdm.source_type = device.Text("source_type");
    bdm.destination_type = device.TextOr("destination_type", "");
    bdm.device_type = device.TextOr("device_type", "");
    bdm.disk_bus = device.TextOr("disk_bus", "");
    bdm.device_name = device.TextOr("device_name", "");
    bdm.guest_format = device.TextOr("guest_format", "");
    bdm.boot_index = IntOrNone(device, "boot_index", -1);
    bdm.volume_size_gb = IntOrNone(device, "volume_size", 0);
    bdm.no_device = device.FlagOr("no_device", false);
    bdm.encrypted = device.FlagOr("encrypted", false);
  }
  return out;
}

SchedulerLimits ReadSchedulerLimits(Reader data) {
  return {.vcpu = IntOrNone(data, "vcpu", 0),
          .memory_mb = IntOrNone(data, "memory_mb", 0),
          .disk_gb = IntOrNone(data, "disk_gb", 0)};
}

Selection ReadSelection(Reader data) {
  Selection out;
  out.service_host = data.Text("service_host");
  out.nodename = data.Text("nodename");
  out.availability_zone = data.TextOr("availability_zone", "");
  out.compute_node_uuid = data.IdOrNone("compute_node_uuid");
  out.cell_uuid = data.IdOrNone("cell_uuid");
  return out;
}

RequestSpec ReadRequestSpec(Reader data) {
  RequestSpec spec;
  spec.instance_uuid = data.IdOrNone("instance_uuid");
  spec.project_id = data.TextOr("project_id", "");
  spec.user_id = data.TextOr("user_id", "");
  spec.availability_zone = data.TextOr("availability_zone", "");
  spec.num_instances = data.IntOr("num_instances", 1, 0, kMaxInt32);
  spec.is_bfv = data.FlagOr("is_bfv", false);
  spec.flavor = ReadFlavor(data.Nova("flavor", "Flavor"));
  if (data.Has("image")) spec.image = ReadImageMeta(data.Nova("image", "ImageMeta"));
  if (data.Has("numa_topology")) {
    spec.numa_topology = ReadNumaTopology(data.Nova("numa_topology", "InstanceNUMATopology"));
  }
  if (data.Has("pci_requests")) {
    spec.pci_requests = ReadPciRequests(data.Nova("pci_requests", "InstancePCIRequests"));
  }
  if (data.Has("limits")) {
    spec.limits = ReadSchedulerLimits(data.Nova("limits", "SchedulerLimits"));
  }
  spec.requested_networks = ReadNetworkRequests(data, "requested_networks");
  return spec;
}

}  // namespace kilonova::oslo
