// SPDX-License-Identifier: Apache-2.0
// A guest's network interfaces. Internal to agent/guest.
#pragma once

#include <string>

#include "agent/guest/context.h"
#include "agent/guest/devices.h"

namespace kilonova::agent::guest {

// What the guest sees: model, driver, queues.
Expected<InterfaceDevice> BaseInterface(const Context& context, const Vif& vif);
// A port of a type and with the details that can be plugged; looked at first, as os-vif does
// (vif_backend.cpp). NETWORK_INVALID with Nova's exception.
Status CheckBackend(const Vif& vif);
// What it is plugged into, by binding:vif_type. NETWORK_INVALID or INVALID_ARGUMENT.
Status ApplyBackend(const Context& context, const Vif& vif, InterfaceDevice& nic);
// quota:vif_*
void ApplyBandwidth(const model::ExtraSpecs& specs, InterfaceDevice& nic);

Expected<PciAddress> PciSlot(const Vif& vif);
// "0000:0a:00.1"
Expected<PciAddress> ParsePciAddress(const std::string& text);

}  // namespace kilonova::agent::guest
