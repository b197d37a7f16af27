// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/guest/disk_device.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

constexpr std::string_view kLimits =
    "total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec "
    "read_bytes_sec_max read_iops_sec_max write_bytes_sec_max write_iops_sec_max "
    "total_bytes_sec_max total_iops_sec_max size_iops_sec";

// How libvirt reaches the volumes of a Cinder driver.
struct VolumeKind {
  std::string_view driver, source, cache, io;
  bool has_format = false;  // connection_info says "format"
};
constexpr VolumeKind kKinds[] = {
    {"iscsi", "block", "none", "native"},
    {"iser", "block", "none", "native"},
    {"fibre_channel", "block", "none", "native"},
    {"scaleio", "block", "none", "native"},
    {"storpool", "block", "none", "native"},
    {"local", "block", "none", ""},
    {"nvmeof", "block", "none", ""},
    {"lightos", "block", "none", ""},
    {"rbd", "network", "none", ""},
    {"nfs", "file", "none", "native", true},
    {"gpfs", "file", "none", ""},
    {"smbfs", "file", "writeback", "", true},
    {"vzstorage", "file", "writeback", "", true},
    {"quobyte", "file", "none", "native", true},
};

NetworkSource SourceOf(const VolumeConnection& connection) {
  NetworkSource source{connection.driver_volume_type, connection.name, {}};
  const std::size_t hosts = std::min(connection.hosts.size(), connection.ports.size());
  for (std::size_t i = 0; i < hosts; ++i) {
    source.hosts.emplace_back(connection.hosts[i], connection.ports[i]);
  }
  return source;
}

std::optional<DiskAuth> RbdAuth(const GuestConfig& config, const VolumeConnection& connection) {
  if (connection.auth_enabled && connection.secret_uuid) {
    return DiskAuth{connection.auth_username, connection.secret_type, *connection.secret_uuid};
  }
  if (connection.auth_enabled || !config.disk.rbd_secret_uuid.empty()) {
    return DiskAuth{config.disk.rbd_user, connection.secret_type, config.disk.rbd_secret_uuid};
  }
  return std::nullopt;
}

Status ApplyAccess(const VolumeConnection& connection, DiskDevice& disk) {
  const std::string& mode = connection.access_mode;
  if (!mode.empty() && mode != "ro" && mode != "rw") {
    return Refuse(reason::kInvalidArgument, "InvalidVolumeAccessMode",
                  "a volume's access mode cannot be " + Printable(mode),
                  {{"field", "access_mode"}});
  }
  disk.read_only = mode == "ro";
  disk.shareable = connection.multiattach;
  return OkStatus();
}

}  // namespace

Expected<DiskDevice> VolumeDisk(const GuestConfig& config, const VolumeConnection& connection,
                                const DiskPlace& place) {
  const auto* kind = std::ranges::find(kKinds, connection.driver_volume_type, &VolumeKind::driver);
  if (kind == std::end(kKinds)) {
    return Refuse(reason::kFeatureNotServed, "VolumeDriverNotFound",
                  "no driver for volumes of type " + Printable(connection.driver_volume_type),
                  {{"field", "driver_volume_type"}});
  }
  DiskDevice disk;
  disk.source_type = kind->source;
  disk.device = place.type;
  disk.target = place.dev;
  disk.bus = place.bus;
  disk.format = kind->has_format && !connection.format.empty() ? connection.format : "raw";
  disk.cache = kind->cache;
  disk.io = kind->io;
  disk.serial = connection.serial;
  disk.logical_block_size = connection.logical_block_size;
  disk.physical_block_size = connection.physical_block_size;
  disk.luks_secret = connection.encryption_secret;
  if (connection.discard) disk.discard = "unmap";
  RETURN_IF_ERROR(ApplyAccess(connection, disk));
  for (const auto& [name, value] : connection.qos_specs) {
    if (!HasWord(kLimits, name)) continue;
    RETURN_IF_ERROR(CheckLimit(name, value));
    disk.iotune[name] = value;
  }
  if (kind->source == "network") {
    disk.network = SourceOf(connection);
    disk.auth = RbdAuth(config, connection);
  } else {
    disk.path = connection.device_path;
  }
  return disk;
}

}  // namespace kilonova::agent::guest
