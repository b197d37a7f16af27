// SPDX-License-Identifier: Apache-2.0
// What the kernel says of PCI functions and network interfaces.
#pragma once

#include <string>

#include "common/hardware/pci_device_spec.h"

namespace kilonova::agent::core {

hardware::PciMachine MachineAt(const std::string& sys = "/sys");

}  // namespace kilonova::agent::core
