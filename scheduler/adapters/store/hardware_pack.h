// SPDX-License-Identifier: Apache-2.0
// The NUMA cells and PCI devices of a claim, as the bytes in `claim_hardware`: fields (pack.h)
// whose numbers are forever.
#pragma once

#include <string>
#include <string_view>

#include "scheduler/core/host_hardware.h"

namespace kilonova::scheduler::adapters {

std::string PackHardware(const core::HardwareUse& use);
// Throws std::invalid_argument.
core::HardwareUse UnpackHardware(std::string_view bytes);

}  // namespace kilonova::scheduler::adapters
