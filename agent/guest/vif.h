// SPDX-License-Identifier: Apache-2.0
// A guest's network interfaces. Internal to agent/guest.
#pragma once

#include <string>

#include "agent/guest/context.h"
#include "agent/guest/devices.h"

namespace kilonova::agent::guest {

// What the guest sees: model, driver, queues.
Expected<InterfaceDevice> BaseInterface(const Context& context, const Vif& vif);
// What it is plugged into, by binding:vif_type (vif_backend.cpp). INVALID_ARGUMENT with Nova's
// exception when the port's details lack something.
Status ApplyBackend(const Context& context, const Vif& vif, InterfaceDevice& nic);
// quota:vif_*
void ApplyBandwidth(const model::ExtraSpecs& specs, InterfaceDevice& nic);

Expected<PciAddress> PciSlot(const Vif& vif);
// "0000:0a:00.1"
Expected<PciAddress> ParsePciAddress(const std::string& text);

}  // namespace kilonova::agent::guest
