// SPDX-License-Identifier: Apache-2.0
// What a compute host is asked to do, free of any wire format. proto/oslo reads it out of Nova's
// RPC messages and writes it into them; the agent's operations work on it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/model/flavor.h"
#include "common/model/resources.h"

namespace kilonova::model {

// The right to build: without it, or with a generation that is no longer current, an agent does
// not start a guest. Travels as filter_properties.kilonova.
struct ClaimTicket {
  Uuid claim_id;
  std::int64_t generation = 0;  // 1 and up; one higher each time the instance is placed
  friend bool operator==(const ClaimTicket&, const ClaimTicket&) = default;
};

// An image as the scheduler registered it.
struct ImageSource {
  Uuid id;
  std::string name;
  std::string disk_format;       // "qcow2", "raw", "iso", "ami", "aki", "ari"...: what is claimed
  std::string container_format;  // "bare", "ami", "aki", "ari"
  std::string url;               // file:///absolute/path, http://... or https://...
  std::string sha256;            // 64 hex digits, of the file as fetched
  std::uint64_t size_bytes = 0;  // of the file as fetched; 0 = unknown
  std::int64_t min_disk_gb = 0;
  std::int64_t min_ram_mb = 0;
  std::map<std::string, std::string> properties;  // hw_machine_type, kernel_id, os_command_line...
  friend bool operator==(const ImageSource&, const ImageSource&) = default;
};

struct FixedIp {
  std::string address;  // "10.0.0.5"
  int prefix = 0;       // 24
  std::string gateway;  // "" = none
  int version = 4;      // 4 or 6
  friend bool operator==(const FixedIp&, const FixedIp&) = default;
};

enum class NetworkKind { kLibvirtNetwork, kBridge };

// One virtio NIC of a guest.
struct NicRequest {
  Uuid port_id;  // its first 11 characters name the tap: "tap" + port_id[0:11]
  Uuid network_id;
  std::string network_name;
  NetworkKind kind = NetworkKind::kLibvirtNetwork;
  std::string source;  // the libvirt network's or the bridge's name on the host
  std::string mac;     // "fa:16:3e:xx:xx:xx", given by the scheduler, the guest may not change it
  std::int64_t mtu = 1500;
  bool dhcp = false;  // true: the guest asks the network; fixed_ips may be empty
  std::vector<FixedIp> fixed_ips;
  std::vector<std::string> dns_servers;
  friend bool operator==(const NicRequest&, const NicRequest&) = default;
};

// Who and what the instance is, as its owner said.
struct InstanceSpec {
  std::int64_t id = 0;  // number in the cloud; the domain is named instance-%08x of it
  Uuid uuid;
  std::string display_name;
  std::string hostname;
  std::string project_id, project_name, user_id, user_name;
  std::string availability_zone;  // "" = none asked for
  std::string reservation_id;     // "r-" + 8 of [a-z0-9]
  std::int64_t launch_index = 0;
  std::string key_name, key_data;
  std::string user_data;  // base64 as in Nova's record; "" = none
  std::string admin_password;
  bool config_drive = false;
  std::map<std::string, std::string> metadata;
  WallTime created_at{};
  friend bool operator==(const InstanceSpec&, const InstanceSpec&) = default;
};

// PCI devices a guest is to have; Nova's InstancePCIRequest.
struct PciDeviceRequest {
  std::int64_t count = 0;
  // Properties and their values; alternatives, a device must match all of one.
  std::vector<std::map<std::string, std::string>> spec;
  std::string alias_name;  // "" for one that a port makes
  std::string request_id;
  std::string numa_policy;  // "required", "legacy", "preferred", "socket"; "" = legacy
  friend bool operator==(const PciDeviceRequest&, const PciDeviceRequest&) = default;
};

struct BuildRequest {
  InstanceSpec instance;
  Flavor flavor;
  ImageSource image;
  std::optional<ImageSource> kernel,
      ramdisk;  // direct kernel boot: both or neither, or kernel alone
  std::vector<NicRequest> nics;
  ClaimTicket claim;
  std::int64_t attempt = 1;                                     // of at most max_attempts
  std::vector<std::pair<std::string, std::string>> alternates;  // (host, node)s left to try
  std::vector<PciDeviceRequest> pci_requests{};
  // What the claim takes of providers nested in the host, by their names.
  std::map<std::string, Resources> allocations{};
  friend bool operator==(const BuildRequest&, const BuildRequest&) = default;
};

enum class ActionKind { kTerminate, kStart, kStop, kReboot };
enum class RebootType { kSoft, kHard };

// Something to do to an instance that is on this host already.
struct ActionRequest {
  ActionKind kind = ActionKind::kStart;
  Uuid instance_uuid;
  std::int64_t instance_id = 0;
  std::int64_t generation = 0;
  bool clean_shutdown = true;                  // kStop: ask the guest first
  RebootType reboot_type = RebootType::kSoft;  // kReboot
  friend bool operator==(const ActionRequest&, const ActionRequest&) = default;
};

// A message from the queue, understood.
struct ComputeRequest {
  std::string unique_id;   // oslo's _unique_id: the same on every delivery of one message
  std::string request_id;  // "req-...": the user's request, in every log line
  std::string method;      // "build_and_run_instance"
  std::variant<BuildRequest, ActionRequest> body;
};

inline const Uuid& InstanceUuid(const ComputeRequest& request) {
  if (const auto* build = std::get_if<BuildRequest>(&request.body)) return build->instance.uuid;
  return std::get<ActionRequest>(request.body).instance_uuid;
}

}  // namespace kilonova::model
