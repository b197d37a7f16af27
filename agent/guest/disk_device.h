// SPDX-License-Identifier: Apache-2.0
// One disk of a guest. Internal to agent/guest.
#pragma once

#include <string>

#include "agent/guest/context.h"
#include "agent/guest/devices.h"

namespace kilonova::agent::guest {

enum class Image { kConfigured, kConfigDrive };  // of what images_type says, or always raw

// A file of the instance's directory, called `name` there.
Expected<DiskDevice> LocalDisk(const Context& context, const std::string& name,
                               const DiskPlace& place, Image image);

// A connected volume (volume_disk.cpp). INVALID_ARGUMENT with Nova's exception.
Expected<DiskDevice> VolumeDisk(const GuestConfig& config, const VolumeConnection& connection,
                                const DiskPlace& place);

// The host's cache mode for the disk's kind of source; shared disks have none.
void SettleCache(const GuestConfig& config, DiskDevice& disk);

// Digits, or INVALID_ARGUMENT naming `field`.
Status CheckLimit(const std::string& field, const std::string& value);

}  // namespace kilonova::agent::guest
