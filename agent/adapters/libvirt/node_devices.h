// SPDX-License-Identifier: Apache-2.0
// The machine's PCI devices as libvirt lists them, and those that guests have. Internal to
// agent/adapters/libvirt.
#pragma once

#include <libvirt/libvirt.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/core/hypervisor.h"
#include "common/base/status.h"
#include "common/hardware/pci_devices.h"

namespace kilonova::agent::adapters::libvirt {

// One <device> of capability pci; nothing for any other. INTERNAL when it is no XML of a device.
Expected<std::optional<hardware::PciDevice>> ParsePciDevice(const std::string& xml);

// The devices of the host that a <domain> has. INTERNAL when it is none.
Expected<core::HeldDevices> ParseHeldDevices(const std::string& xml);

// Those that `specs` takes, with their tags.
Expected<std::vector<hardware::AssignablePciDevice>> ListPciDevices(
    virConnectPtr connect, const hardware::PciDeviceSpecs& specs);

}  // namespace kilonova::agent::adapters::libvirt
