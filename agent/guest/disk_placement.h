// SPDX-License-Identifier: Apache-2.0
// Which disks a guest has, on which buses, under which names: Nova's blockinfo.get_disk_info.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/guest/input.h"
#include "common/base/status.h"

namespace kilonova::agent::guest {

struct DiskPlace {
  std::string bus, dev, type;  // "virtio", "vda", "disk"
  std::string boot_index;      // "1" and up; "" = not booted from
  std::string format;          // the guest's file system
  friend bool operator==(const DiskPlace&, const DiskPlace&) = default;
};

struct DiskPlacement {
  std::string disk_bus, cdrom_bus;  // the guest's defaults
  // In Nova's order: "root", "disk", "disk.local", "disk.eph0", "disk.swap", "/dev/vdb",
  // "disk.config", "disk.rescue"...
  std::vector<std::pair<std::string, DiskPlace>> places;
  // What each volume of the request is called now, in the request's order: "/dev/vdb".
  std::vector<std::string> volume_names;
  const DiskPlace* Find(std::string_view name) const;
  // True when the rescue disk is what the guest starts from as its root.
  bool RescueIsRoot() const;
};

// IMAGE_INVALID, or INVALID_ARGUMENT for a block device; with Nova's exception.
Expected<DiskPlacement> PlaceDisks(const GuestConfig& config, const GuestInput& input);

// What the firmware tries, in order: "hd", "cdrom", "fd".
Expected<std::vector<std::string>> BootDevices(const DiskPlacement& placement);

}  // namespace kilonova::agent::guest
