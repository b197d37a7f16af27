// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/guest/context.h"
#include "agent/guest/disk_device.h"
#include "agent/guest/image_text.h"
#include "agent/guest/refusal.h"

namespace kilonova::agent::guest {
namespace {

// Adds the guest's disks in Nova's order and numbers those of a virtio-scsi controller.
class Disks {
 public:
  Disks(const Context& context, Domain& domain) : context_(context), domain_(domain) {
    const std::string scsi = TextOr(context.input.image, "hw_scsi_model");
    numbered_ = scsi == "virtio-scsi";
    // Unit 0 is the volume that is started from, where there is one.
    next_unit_ = std::ranges::any_of(context.input.block_devices.volumes, IsBootVolume) ? 1 : 0;
  }

  Status AddLocal(const std::string& name, Image image = Image::kConfigured);
  Status AddVolumes();
  void SettleCaches();
  void AddController();
  Status AddStableRescue();

 private:
  static bool IsBootVolume(const VolumeDevice& volume) {
    return volume.device.boot_index.value_or(-1) == 0;
  }

  const Context& context_;
  Domain& domain_;
  bool numbered_ = false;
  int next_unit_ = 0;
};

Status Disks::AddLocal(const std::string& name, Image image) {
  const DiskPlace* place = context_.disks.Find(name);
  if (place == nullptr) return OkStatus();
  ASSIGN_OR_RETURN(DiskDevice disk, LocalDisk(context_, name, *place, image));
  if (numbered_ && place->bus == "scsi") disk.unit = next_unit_++;
  domain_.devices.emplace_back(std::move(disk));
  return OkStatus();
}

Status Disks::AddVolumes() {
  const auto& names = context_.disks.volume_names;
  const auto& volumes = context_.input.block_devices.volumes;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const VolumeDevice& volume = volumes[i];
    const DiskPlace* place = i < names.size() ? context_.disks.Find(names[i]) : nullptr;
    if (place == nullptr) {
      return Refuse(reason::kInvalidArgument, "KeyError",
                    "a guest that is made anew for its rescue has no volumes",
                    {{"field", "block_device_mapping"}});
    }
    ASSIGN_OR_RETURN(DiskDevice disk, VolumeDisk(context_.config, volume.connection, *place));
    if (numbered_) {
      const int unit = IsBootVolume(volume) ? 0 : next_unit_++;
      if (place->bus == "scsi") disk.unit = unit;
    }
    domain_.devices.emplace_back(std::move(disk));
  }
  return OkStatus();
}

void Disks::SettleCaches() {
  for (Device& device : domain_.devices) {
    if (auto* disk = std::get_if<DiskDevice>(&device)) SettleCache(context_.config, *disk);
  }
}

void Disks::AddController() {
  const std::string model = TextOr(context_.input.image, "hw_scsi_model");
  if (!model.empty()) domain_.devices.emplace_back(ControllerDevice{"scsi", 0, model});
}

Status Disks::AddStableRescue() {
  const DiskPlace* place = context_.disks.Find("disk.rescue");
  if (place == nullptr) return OkStatus();
  RETURN_IF_ERROR(AddLocal("disk.rescue"));
  std::get<DiskDevice>(domain_.devices.back()).boot_order = "1";
  return OkStatus();
}

}  // namespace

Status DescribeDisks(const Context& context, Domain& domain) {
  Disks disks(context, domain);
  const bool from_rescue = context.input.rescue && context.disks.RescueIsRoot();
  if (from_rescue) {
    RETURN_IF_ERROR(disks.AddLocal("disk.rescue"));
    RETURN_IF_ERROR(disks.AddLocal("disk"));
  } else {
    RETURN_IF_ERROR(disks.AddLocal("disk"));
    RETURN_IF_ERROR(disks.AddLocal("disk.local"));
    for (std::size_t i = 0; i < context.input.block_devices.ephemerals.size(); ++i) {
      RETURN_IF_ERROR(disks.AddLocal("disk.eph" + std::to_string(i)));
    }
    RETURN_IF_ERROR(disks.AddLocal("disk.swap"));
  }
  RETURN_IF_ERROR(
      disks.AddLocal(from_rescue ? "disk.config.rescue" : "disk.config", Image::kConfigDrive));
  RETURN_IF_ERROR(disks.AddVolumes());
  disks.SettleCaches();
  disks.AddController();
  return context.input.rescue && !from_rescue ? disks.AddStableRescue() : OkStatus();
}

}  // namespace kilonova::agent::guest
