// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "proto/oslo/decode_methods.h"
#include "proto/oslo/reader.h"
#include "proto/oslo/ticket.h"
#include "proto/oslo/views.h"

namespace kilonova::oslo {
namespace {

constexpr std::size_t kMaxHosts = 1000;

bool IsEmptyList(const Json& value) {
  return value.AsArray() != nullptr && value.AsArray()->empty();
}

// What the message asks for and nobody here would do is refused, never left out.
void RefuseUnserved(Reader& args, const Instance& instance, const RequestSpec& spec) {
  Reader data = args.Nova("instance", "Instance");
  if (instance.numa_topology) data.NotServed("numa_topology", "a NUMA topology");
  const auto of_port = [](const PciRequest& pci) { return pci.alias_name.empty(); };
  if (std::ranges::any_of(instance.pci_requests, of_port)) {
    data.NotServed("pci_requests", "a PCI device of a port");
  }
  if (instance.has_trusted_certs) data.NotServed("trusted_certs", "a signed image");
  if (instance.has_resources) data.NotServed("resources", "persistent memory");
  Reader request = args.Nova("request_spec", "RequestSpec");
  if (spec.is_bfv) request.NotServed("is_bfv", "booting from a volume");
  if (spec.numa_topology) request.NotServed("numa_topology", "a NUMA topology");
  if (std::ranges::any_of(spec.pci_requests, of_port)) {
    request.NotServed("pci_requests", "a PCI device of a port");
  }
  for (const char* key : {"injected_files", "accel_uuids"}) {
    const Json* value = args.Find(key);
    if (value == nullptr || IsEmptyList(*value)) continue;
    if (value->AsArray() == nullptr) args.Refuse(key, "is not a list");
    args.NotServed(key, key[0] == 'i' ? "injecting files" : "an accelerator");
  }
}

void CheckDevices(Reader& args, const std::vector<BlockDeviceMapping>& devices) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const BlockDeviceMapping& device = devices[i];
    const std::string key = "block_device_mapping[" + std::to_string(i) + "]";
    const bool root = device.source_type == "image" && device.destination_type == "local" &&
                      device.boot_index.value_or(0) == 0;
    const bool blank = device.source_type == "blank" && device.destination_type == "local";
    if (device.source_type == "volume" || device.destination_type == "volume" ||
        device.source_type == "snapshot") {
      args.NotServed(key, "a volume");
    } else if (device.encrypted) {
      args.NotServed(key, "an encrypted disk");
    } else if (!root && !blank) {
      args.NotServed(key, "this kind of disk");
    }
  }
}

// Without a ticket: what the user asked of Nova, for a later look at Neutron.
void ReadRequestedNics(Reader& args, const std::vector<NetworkRequest>& networks,
                       model::BuildRequest* build) {
  for (const NetworkRequest& network : networks) {
    if (network.network_id == "none") continue;
    if (network.network_id == "auto") args.NotServed("requested_networks", "an automatic network");
    if (network.wants_device) args.NotServed("requested_networks", "a device behind a port");
    if (!network.tag.empty()) args.NotServed("requested_networks", "a device tag");
    model::NicRequest& nic = build->nics.emplace_back();
    nic.port_id = network.port_id;
    if (auto id = Uuid::Parse(network.network_id); id.ok()) nic.network_id = *id;
    nic.dhcp = network.address.empty();
    if (!network.address.empty()) {
      const bool six = network.address.find(':') != std::string::npos;
      nic.fixed_ips.push_back({network.address, six ? 128 : 32, "", six ? 6 : 4});
    }
  }
}

std::optional<model::ImageSource> ImageNamed(const Uuid& id) {
  if (id.empty()) return std::nullopt;
  model::ImageSource image;
  image.id = id;
  return image;
}

// The image as Glance has it; whoever builds must still find out where it is.
void ReadGlanceImage(Reader image, const Instance& instance, model::BuildRequest* build) {
  build->image.id = image.IdOrNone("id");
  build->image.name = image.NameOr("name", "");
  build->image.disk_format = image.NameOr("disk_format", "", 32);
  build->image.container_format = image.NameOr("container_format", "", 32);
  build->image.size_bytes = static_cast<std::uint64_t>(image.IntOr("size", 0, 0, INT64_MAX));
  build->image.min_disk_gb = image.IntOr("min_disk", 0, 0, kMaxInt32);
  build->image.min_ram_mb = image.IntOr("min_ram", 0, 0, kMaxInt32);
  if (image.Has("properties")) {
    for (const Json::Member& member : image.Child("properties").Members()) {
      const std::string* text = member.value.AsString();
      build->image.properties[member.key] = text == nullptr ? DumpJson(member.value) : *text;
    }
  }
  build->kernel = ImageNamed(instance.kernel_id);
  build->ramdisk = ImageNamed(instance.ramdisk_id);
}

void ReadStockPlacement(Reader& args, model::BuildRequest* build) {
  if (args.Has("filter_properties")) {
    Reader properties = args.Child("filter_properties");
    if (properties.Has("retry")) {
      build->attempt = properties.Child("retry").IntOr("num_attempts", 1, 0, 1000);
    }
  }
  for (Reader& host : args.NovaElements("host_list", "Selection", kMaxHosts)) {
    const Selection selection = ReadSelection(host);
    build->alternates.emplace_back(selection.service_host, selection.nodename);
  }
}

void CheckTogether(Reader& args, const Instance& instance, const RequestSpec& spec,
                   const model::BuildRequest& build) {
  Reader data = args.Nova("instance", "Instance");
  data.Require(instance.flavor.has_value(), "flavor", "is missing");
  data.Require(
      build.image.id.empty() || instance.image_ref.empty() || build.image.id == instance.image_ref,
      "image_ref", "is not the image of the ticket");
  Reader request = args.Nova("request_spec", "RequestSpec");
  request.Require(spec.instance_uuid.empty() || spec.instance_uuid == instance.spec.uuid,
                  "instance_uuid", "is another instance");
}

}  // namespace

Status DecodeBuild(const Json& json, DecodeOptions options, ReceivedRequest* received) {
  Status status;
  Reader args(&json, "args", &status);
  Reader properties = args.Has("filter_properties") ? args.Child("filter_properties") : args;
  RETURN_IF_ERROR(status);
  const Json* ticket = args.Has("filter_properties") ? properties.Find(kTicketKey) : nullptr;
  received->has_ticket = ticket != nullptr;
  Ticket claimed;
  if (ticket != nullptr) {
    ASSIGN_OR_RETURN(claimed, ReadClaim(*ticket, received->request.request_id));
  } else if (options.require_ticket) {
    return Error(Code::kFailedPrecondition, reason::kClaimMissing, "the build has no claim",
                 {{"field", "args.filter_properties.kilonova"}});
  }

  const Instance instance = ReadInstance(args.Nova("instance", "Instance"));
  const RequestSpec spec = ReadRequestSpec(args.Nova("request_spec", "RequestSpec"));
  const auto networks = ReadNetworkRequests(args, "requested_networks");
  const auto devices = ReadBlockDevices(args, "block_device_mapping");
  model::BuildRequest build;
  build.instance = instance.spec;
  build.instance.admin_password = args.TextOr("admin_password", "");
  if (instance.flavor) build.flavor = *instance.flavor;
  build.claim = claimed.claim;
  if (ticket != nullptr) {
    ReadTicketContents(properties.Child(kTicketKey), &build);
  } else {
    ReadGlanceImage(args.Child("image"), instance, &build);
    ReadRequestedNics(args, networks, &build);
    ReadStockPlacement(args, &build);
  }
  for (const PciRequest& pci : instance.pci_requests) {
    build.pci_requests.push_back(
        {pci.count, pci.spec, pci.alias_name, pci.request_id, pci.numa_policy});
  }
  CheckTogether(args, instance, spec, build);
  RefuseUnserved(args, instance, spec);
  CheckDevices(args, devices);
  RETURN_IF_ERROR(status);
  received->flavor_hash = ticket != nullptr ? claimed.flavor_hash : build.flavor.ContentHash();
  received->request.body = std::move(build);
  return OkStatus();
}

}  // namespace kilonova::oslo
