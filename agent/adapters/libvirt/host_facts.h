// SPDX-License-Identifier: Apache-2.0
// What libvirt knows of the machine. Internal to agent/adapters/libvirt.
#pragma once

#include <string>

#include "agent/adapters/libvirt/handles.h"
#include "agent/adapters/libvirt/hypervisor.h"
#include "agent/core/hypervisor.h"

namespace kilonova::agent::adapters::libvirt {

Expected<core::HostFacts> ReadHostFacts(virConnectPtr connect, const Options& options);

}  // namespace kilonova::agent::adapters::libvirt
