// SPDX-License-Identifier: Apache-2.0
// QEMU's firmware descriptors (docs/interop/firmware.json of QEMU), as files on this host.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "agent/core/guest_capabilities.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::libvirt {

// INVALID_ARGUMENT when it is no descriptor of a firmware that QEMU maps as flash.
Expected<core::FirmwareDescriptor> ParseFirmwareDescriptor(std::string_view json);

// *.json of each directory, by directory, then by name. Those that cannot be read, and firmware of
// another kind (memory, kernel), are passed over.
std::vector<core::FirmwareDescriptor> ReadFirmwareDescriptors(
    const std::vector<std::filesystem::path>& directories);

}  // namespace kilonova::agent::adapters::libvirt
