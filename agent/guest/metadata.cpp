// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/metadata.h"

#include <openssl/rand.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "agent/guest/network_data.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kSeedBytes = 512;

// The versions guests know, oldest first, and with which of them something came.
constexpr const char* kVersions[] = {"2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15",
                                     "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27",
                                     "2020-10-14", "latest"};
constexpr std::string_view kSeedSince = "2013-04-04";
constexpr std::string_view kVendorDataSince = "2013-10-17";
constexpr std::string_view kProjectAndNetworkSince = "2015-10-15";
constexpr std::string_view kDevicesSince = "2016-06-30";
constexpr std::string_view kVendorData2Since = "2016-10-06";
constexpr std::string_view kDedicatedCpusSince = "2020-10-14";

// "latest" sorts after every date.
bool Has(std::string_view version, std::string_view since) { return version >= since; }

std::string Text(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::strict);
}

Status CheckUtf8(const model::BuildRequest& request) {
  const auto& it = request.instance;
  bool good = IsUtf8(it.display_name) && IsUtf8(it.hostname) && IsUtf8(it.availability_zone) &&
              IsUtf8(it.key_name) && IsUtf8(it.key_data) && IsUtf8(it.project_id) &&
              IsUtf8(it.admin_password) && IsUtf8(it.reservation_id) && IsUtf8(request.flavor.name);
  for (const auto& [key, value] : it.metadata) good = good && IsUtf8(key) && IsUtf8(value);
  for (const auto& nic : request.nics) {
    good = good && IsUtf8(nic.mac);
    for (const auto& ip : nic.fixed_ips) good = good && IsUtf8(ip.address);
  }
  if (good) return OkStatus();
  return Error(Code::kInvalidArgument, reason::kInvalidArgument,
               "the instance's metadata is not UTF-8");
}

const std::string& Zone(const GuestConfig& config, const model::InstanceSpec& instance) {
  return instance.availability_zone.empty() ? config.default_availability_zone
                                            : instance.availability_zone;
}

std::string Hostname(const GuestConfig& config, const model::InstanceSpec& instance) {
  return config.dhcp_domain.empty() ? instance.hostname
                                    : instance.hostname + "." + config.dhcp_domain;
}

std::string MetaData(const GuestConfig& config, const model::BuildRequest& request,
                     std::string_view version, const std::string& seed) {
  const auto& instance = request.instance;
  Json meta{{"uuid", instance.uuid.str()}};
  if (!instance.metadata.empty()) meta["meta"] = instance.metadata;
  if (config.metadata_admin_pass && !instance.admin_password.empty()) {
    meta["admin_pass"] = instance.admin_password;
  }
  if (!instance.key_name.empty() && !instance.key_data.empty()) {
    meta["public_keys"] = {{instance.key_name, instance.key_data}};
    meta["keys"] =
        Json::array({{{"name", instance.key_name}, {"type", "ssh"}, {"data", instance.key_data}}});
  }
  meta["hostname"] = Hostname(config, instance);
  meta["name"] = instance.display_name;
  meta["launch_index"] = instance.launch_index;
  meta["availability_zone"] = Zone(config, instance);
  if (Has(version, kSeedSince)) meta["random_seed"] = EncodeBase64(seed);
  if (Has(version, kProjectAndNetworkSince)) meta["project_id"] = instance.project_id;
  if (Has(version, kDevicesSince)) meta["devices"] = Json::array();  // none is tagged
  if (Has(version, kDedicatedCpusSince)) meta["dedicated_cpus"] = Json::array();
  return Text(meta);
}

// What EC2's guests read, in the two places Nova's default leaves: 2009-04-04 and latest. Ids are
// made of the instance's number; there is no table of them here as in Nova.
std::string Ec2Data(const GuestConfig& config, const model::BuildRequest& request) {
  const auto& instance = request.instance;
  std::array<char, 24> id{};
  std::snprintf(id.data(), id.size(), "i-%08llx", static_cast<unsigned long long>(instance.id));
  std::string local_ip;
  for (const auto& nic : request.nics) {
    for (const auto& ip : nic.fixed_ips) {
      if (local_ip.empty() && ip.version == 4) local_ip = ip.address;
    }
  }
  const auto bus = request.image.properties.find("hw_disk_bus");
  const std::string root = bus == request.image.properties.end() || bus->second == "virtio" ? "vda"
                           : bus->second == "ide"                                           ? "hda"
                                                                                            : "sda";
  Json data{{"ami-id", "ami-" + request.image.id.str().substr(0, 8)},
            {"ami-launch-index", instance.launch_index},
            {"ami-manifest-path", "FIXME"},
            {"instance-id", id.data()},
            {"hostname", Hostname(config, instance)},
            {"local-ipv4", local_ip},
            {"reservation-id", instance.reservation_id},
            {"security-groups", Json::array()}};
  if (!instance.key_name.empty()) {
    data["public-keys"]["0"] = {{"_name", "0=" + instance.key_name},
                                {"openssh-key", instance.key_data}};
  }
  data["local-hostname"] = Hostname(config, instance);
  data["public-hostname"] = Hostname(config, instance);
  data["public-ipv4"] = "";
  data["instance-type"] = request.flavor.name;
  data["block-device-mapping"] = {{"ami", root}, {"root", "/dev/" + root}};
  data["placement"] = {{"availability-zone", Zone(config, instance)}};
  data["instance-action"] = "none";
  return Text(data);
}

}  // namespace

bool WantsConfigDrive(const GuestConfig& config, const model::BuildRequest& request) {
  const auto at = request.image.properties.find("img_config_drive");
  const bool mandatory = at != request.image.properties.end() && at->second == "mandatory";
  return request.instance.config_drive || config.force_config_drive || mandatory;
}

Expected<std::vector<core::ConfigDriveFile>> ConfigDriveFiles(const GuestConfig& config,
                                                              const model::BuildRequest& request,
                                                              const std::string& seed) {
  RETURN_IF_ERROR(CheckUtf8(request));
  const auto user_data = DecodeBase64(request.instance.user_data);
  if (!user_data) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, "user_data is not base64",
                 {{"field", "user_data"}});
  }
  const Json vendor = Json::parse(config.vendor_data, nullptr, false);
  if (!vendor.is_object()) {
    return Error(Code::kFailedPrecondition, reason::kConfigInvalid,
                 "this host's vendor data is not a JSON object");
  }
  ASSIGN_OR_RETURN(const std::string network, NetworkDataJson(request));
  std::vector<core::ConfigDriveFile> files;
  for (const char* version : {"2009-04-04", "latest"}) {
    const std::string folder = std::string("ec2/") + version + "/";
    if (!request.instance.user_data.empty()) files.push_back({folder + "user-data", *user_data});
    files.push_back({folder + "meta-data.json", Ec2Data(config, request)});
  }
  for (const char* version : kVersions) {
    const std::string folder = std::string("openstack/") + version + "/";
    files.push_back({folder + "meta_data.json", MetaData(config, request, version, seed)});
    if (!request.instance.user_data.empty()) files.push_back({folder + "user_data", *user_data});
    if (Has(version, kVendorDataSince))
      files.push_back({folder + "vendor_data.json", Text(vendor)});
    if (Has(version, kProjectAndNetworkSince)) {
      files.push_back({folder + "network_data.json", network});
    }
    if (Has(version, kVendorData2Since)) {
      files.push_back({folder + "vendor_data2.json", Text({{"static", vendor}})});
    }
  }
  return files;
}

std::string NewRandomSeed() {
  std::string seed(kSeedBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(seed.data()), static_cast<int>(seed.size())) !=
      1) {
    std::abort();  // no randomness: nothing made from here on could be trusted
  }
  return seed;
}

}  // namespace kilonova::agent::guest
