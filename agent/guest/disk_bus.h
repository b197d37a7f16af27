// SPDX-License-Identifier: Apache-2.0
// The bus a device goes on, and the names a bus gives. Internal to agent/guest.
#pragma once

#include <string>
#include <string_view>

#include "agent/guest/config.h"
#include "common/base/status.h"
#include "common/hardware/image_props.h"

namespace kilonova::agent::guest {

// True for what QEMU can have.
bool IsDiskBus(std::string_view bus);
bool IsDiskType(std::string_view type);

// The image's bus for `type`, else QEMU's best; refused for types without one.
Expected<std::string> BusForType(const GuestConfig& config, const hardware::ImageProps& image,
                                 const std::string& type);
// The bus a device name suggests: "vdb" is on virtio.
Expected<std::string> BusForName(std::string_view name);
// "vd" for virtio.
Expected<std::string> PrefixForBus(const GuestConfig& config, std::string_view bus);
// "vda", "vdb"... "vdaa" by index from 0.
std::string DeviceName(std::string_view prefix, std::size_t index);
// Without and with "/dev/"; "" stays "".
std::string StripDev(std::string_view name);
std::string PrependDev(std::string_view name);

// The architecture the guest sees and the machine type, as the image says or the host decides; ""
// where Nova has no default.
std::string GuestArch(const GuestConfig& config, const hardware::ImageProps& image);
std::string EmulatedArch(const GuestConfig& config, const hardware::ImageProps& image);
std::string MachineType(const GuestConfig& config, const hardware::ImageProps& image);

}  // namespace kilonova::agent::guest
