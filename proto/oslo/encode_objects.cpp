// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/encode_objects.h"

#include <string>
#include <utility>

#include "common/base/hash.h"
#include "proto/oslo/image_props.h"
#include "proto/oslo/object.h"

namespace kilonova::oslo {
namespace {

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json ListOf(std::string_view name, Json::Array elements) {
  return MakeObject(name, Json::MakeObject({{"objects", Json(std::move(elements))}}));
}

// When a record was made and changed, as Nova's persistent objects end.
void AddRecordTimes(Json* data, WallTime created_at) {
  data->AsObject()->insert(data->AsObject()->end(), {{"created_at", FormatNovaTime(created_at)},
                                                     {"updated_at", nullptr},
                                                     {"deleted_at", nullptr},
                                                     {"deleted", false}});
}

// A name that is the same whenever the message is written again.
std::string DerivedUuid(std::string_view what, const Uuid& of) {
  std::string hex = Sha256Hex(std::string(what) + "/" + of.str()).substr(0, 32);
  hex[12] = '4';  // the form of a random uuid
  hex[16] = '8';
  for (const std::size_t at : {20, 16, 12, 8}) hex.insert(at, "-");
  return hex;
}

struct Device {
  std::string name;  // what its uuid is derived from
  Json source_type, guest_format, device_type, boot_index, volume_size, image_id;
};

Json WriteDevice(const model::BuildRequest& request, std::int64_t id, const Device& device) {
  Json data = Json::MakeObject({{"id", id},
                                {"uuid", DerivedUuid(device.name, request.instance.uuid)},
                                {"instance_uuid", request.instance.uuid.str()},
                                {"source_type", device.source_type},
                                {"destination_type", "local"},
                                {"guest_format", device.guest_format},
                                {"device_type", device.device_type},
                                {"disk_bus", nullptr},
                                {"boot_index", device.boot_index},
                                {"device_name", nullptr},
                                {"delete_on_termination", true},
                                {"snapshot_id", nullptr},
                                {"volume_id", nullptr},
                                {"volume_size", device.volume_size},
                                {"image_id", device.image_id},
                                {"no_device", false},
                                {"connection_info", nullptr},
                                {"tag", nullptr},
                                {"attachment_id", nullptr},
                                {"volume_type", nullptr},
                                {"encrypted", false},
                                {"encryption_secret_uuid", nullptr},
                                {"encryption_format", nullptr},
                                {"encryption_options", nullptr}});
  AddRecordTimes(&data, request.instance.created_at);
  return MakeObject("BlockDeviceMapping", std::move(data));
}

Json WriteNetworkRequest(const std::string& network_id, Json port_id, Json address) {
  return MakeObject("NetworkRequest", Json::MakeObject({{"network_id", network_id},
                                                        {"address", std::move(address)},
                                                        {"port_id", std::move(port_id)},
                                                        {"pci_request_id", nullptr},
                                                        {"tag", nullptr},
                                                        {"arq_uuid", nullptr},
                                                        {"device_profile", nullptr}}));
}

Json WriteImageMeta(const model::ImageSource& image) {
  return MakeObject(
      "ImageMeta",
      Json::MakeObject(
          {{"id", image.id.str()},
           {"name", image.name},
           {"status", "active"},
           {"size", image.size_bytes},
           {"container_format", image.container_format},
           {"disk_format", image.disk_format},
           {"min_ram", image.min_ram_mb},
           {"min_disk", image.min_disk_gb},
           {"properties", MakeObject("ImageMetaProps", ImageMetaPropsData(image.properties))}}));
}

}  // namespace

Json WriteFlavor(const model::Flavor& flavor, WallTime created_at) {
  Json specs = Json::MakeObject();
  for (const auto& [key, value] : flavor.extra_specs) specs.AsObject()->push_back({key, value});
  Json data = Json::MakeObject({{"id", flavor.id},
                                {"name", flavor.name},
                                {"memory_mb", flavor.memory_mb},
                                {"vcpus", flavor.vcpus},
                                {"root_gb", flavor.root_gb},
                                {"ephemeral_gb", flavor.ephemeral_gb},
                                {"flavorid", flavor.flavorid},
                                {"swap", flavor.swap_mb},
                                {"rxtx_factor", flavor.rxtx_factor},
                                {"vcpu_weight", 0},
                                {"disabled", flavor.disabled},
                                {"is_public", flavor.is_public},
                                {"extra_specs", std::move(specs)},
                                {"description", TextOrNull(flavor.description)}});
  AddRecordTimes(&data, created_at);
  return MakeObject("Flavor", std::move(data));
}

Json WriteImageDictionary(const model::ImageSource& image) {
  Json properties = Json::MakeObject();
  for (const auto& [key, value] : image.properties) properties.AsObject()->push_back({key, value});
  return Json::MakeObject({{"properties", std::move(properties)},
                           {"deleted", false},
                           {"deleted_at", nullptr},
                           {"disk_format", image.disk_format},
                           {"container_format", image.container_format},
                           {"name", image.name},
                           {"size", image.size_bytes},
                           {"status", "active"},
                           {"min_ram", image.min_ram_mb},
                           {"min_disk", image.min_disk_gb},
                           {"os_hash_algo", "sha256"},
                           {"os_hash_value", image.sha256},
                           {"id", image.id.str()}});
}

Json WriteNetworkRequests(const model::BuildRequest& request) {
  Json::Array networks;
  for (const model::NicRequest& nic : request.nics) {
    Json address = nic.fixed_ips.empty() ? Json() : Json(nic.fixed_ips.front().address);
    networks.push_back(
        WriteNetworkRequest(nic.network_id.str(), nic.port_id.str(), std::move(address)));
  }
  if (networks.empty()) networks.push_back(WriteNetworkRequest("none", {}, {}));
  return ListOf("NetworkRequestList", std::move(networks));
}

Json WriteBlockDevices(const model::BuildRequest& request) {
  Json::Array devices;
  const auto add = [&](const Device& device) {
    devices.push_back(WriteDevice(request, static_cast<std::int64_t>(devices.size()) + 1, device));
  };
  add({"root", "image", {}, "disk", 0, {}, request.image.id.str()});
  if (const std::int64_t gb = request.flavor.ephemeral_gb; gb > 0) {
    add({"ephemeral", "blank", {}, "disk", -1, gb, {}});
  }
  if (const std::int64_t mb = request.flavor.swap_mb; mb > 0) {
    add({"swap", "blank", "swap", "disk", -1, mb, {}});
  }
  return ListOf("BlockDeviceMappingList", std::move(devices));
}

Json WritePciRequests(const model::BuildRequest& request) {
  Json requests = Json::MakeArray();
  for (const model::PciDeviceRequest& from : request.pci_requests) {
    Json specs = Json::MakeArray();
    for (const auto& properties : from.spec) {
      Json spec = Json::MakeObject();
      for (const auto& [name, value] : properties) spec.AsObject()->push_back({name, value});
      specs.Push(std::move(spec));
    }
    requests.Push(MakeObject("InstancePCIRequest",
                             Json::MakeObject({{"count", from.count},
                                               {"spec", std::move(specs)},
                                               {"alias_name", TextOrNull(from.alias_name)},
                                               {"is_new", false},
                                               {"request_id", TextOrNull(from.request_id)},
                                               {"requester_id", nullptr},
                                               {"numa_policy", TextOrNull(from.numa_policy)}})));
  }
  return requests;
}

Json WriteRequestSpec(const model::BuildRequest& request) {
  const model::InstanceSpec& instance = request.instance;
  Json group = MakeObject("SecurityGroup", Json::MakeObject({{"name", "default"}}));
  return MakeObject(
      "RequestSpec",
      Json::MakeObject(
          {{"id", instance.id},
           {"image", WriteImageMeta(request.image)},
           {"numa_topology", nullptr},
           {"pci_requests",
            MakeObject("InstancePCIRequests",
                       Json::MakeObject({{"requests", WritePciRequests(request)}}))},
           {"project_id", instance.project_id},
           {"user_id", instance.user_id},
           {"availability_zone", TextOrNull(instance.availability_zone)},
           {"flavor", WriteFlavor(request.flavor, instance.created_at)},
           {"num_instances", 1},
           {"ignore_hosts", nullptr},
           {"force_hosts", nullptr},
           {"force_nodes", nullptr},
           {"requested_destination", nullptr},
           {"retry", nullptr},
           {"limits", MakeObject("SchedulerLimits", Json::MakeObject({{"numa_topology", nullptr},
                                                                      {"vcpu", nullptr},
                                                                      {"disk_gb", nullptr},
                                                                      {"memory_mb", nullptr}}))},
           {"instance_group", nullptr},
           {"scheduler_hints", Json::MakeObject()},
           {"instance_uuid", instance.uuid.str()},
           {"security_groups", ListOf("SecurityGroupList", {std::move(group)})},
           {"network_metadata",
            MakeObject("NetworkMetadata",
                       Json::MakeObject({{"physnets", Json::MakeArray()}, {"tunneled", false}}))},
           {"is_bfv", false},
           {"requested_resources", Json::MakeArray()},
           {"request_level_params", MakeObject("RequestLevelParams", Json::MakeObject())},
           {"requested_networks", WriteNetworkRequests(request)}}));
}

}  // namespace kilonova::oslo
