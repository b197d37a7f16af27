// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/disk_device.h"

#include <algorithm>

#include "agent/guest/refusal.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

constexpr const char* kQuotas[] = {"read_bytes_sec", "read_iops_sec",   "write_bytes_sec",
                                   "write_iops_sec", "total_bytes_sec", "total_iops_sec"};

Expected<IoTune> FlavorQuotas(const model::ExtraSpecs& specs) {
  IoTune iotune;
  for (const char* quota : kQuotas) {
    const std::string key = std::string("quota:disk_") + quota;
    const auto at = specs.find(key);
    if (at == specs.end()) continue;
    RETURN_IF_ERROR(CheckLimit(key, at->second));
    iotune[quota] = at->second;
  }
  return iotune;
}

Expected<std::string> FormatOf(const GuestConfig& config, Image image) {
  if (image == Image::kConfigDrive) return "raw";
  const std::string& type = config.disk.images_type;
  if (type == "qcow2" || type == "default") return "qcow2";
  if (type == "flat" || type == "raw") return "raw";
  return Error(Code::kInvalidArgument, reason::kConfigInvalid,
               "images_type cannot be " + Printable(type), {{"field", "images_type"}});
}

}  // namespace

Status CheckLimit(const std::string& field, const std::string& value) {
  const bool digits = !value.empty() && value.size() <= 20 &&
                      std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  if (digits) return OkStatus();
  return Error(Code::kInvalidArgument, reason::kInvalidArgument,
               field + " is not a whole number: " + Printable(value), {{"field", field}});
}

Expected<DiskDevice> LocalDisk(const Context& context, const std::string& name,
                               const DiskPlace& place, Image image) {
  const GuestConfig& config = context.config;
  DiskDevice disk;
  disk.device = place.type;
  disk.bus = place.bus;
  disk.target = place.dev;
  disk.cache = config.disk.cache;
  disk.discard = config.disk.discard;
  if (config.disk.preallocate) disk.io = "native";
  ASSIGN_OR_RETURN(disk.format, FormatOf(config, image));
  disk.path = (config.paths.Instance(context.input.instance.uuid) / name).string();
  if (disk.format == "qcow2") {
    if (name == "disk") disk.base = context.input.base;
    disk.chain_ends = !disk.base;
  }
  // A guest has no business writing to it, and it is made anew from the same data.
  disk.read_only =
      config.disk.read_only_config_drive && place.type == "cdrom" && image == Image::kConfigDrive;
  ASSIGN_OR_RETURN(disk.iotune, FlavorQuotas(context.input.flavor.extra_specs));
  return disk;
}

void SettleCache(const GuestConfig& config, DiskDevice& disk) {
  if (disk.shareable) {
    disk.cache = "none";
  } else if (const auto at = config.disk.cachemodes.find(disk.source_type);
             at != config.disk.cachemodes.end()) {
    disk.cache = at->second;
  }
  // QEMU takes native I/O with O_DIRECT alone.
  if (disk.io == "native" && disk.cache != "none" && disk.cache != "directsync") {
    disk.io = "threads";
  }
}

}  // namespace kilonova::agent::guest
