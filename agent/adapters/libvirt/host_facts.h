// SPDX-License-Identifier: Apache-2.0
// What libvirt knows of the machine. Internal to agent/adapters/libvirt.
#pragma once

#include <string>

#include "agent/adapters/libvirt/handles.h"
#include "agent/core/hypervisor.h"

namespace kilonova::agent::adapters::libvirt {

// `virt_type` is "auto", "kvm" or "qemu".
Expected<core::HostFacts> ReadHostFacts(virConnectPtr connect, const std::string& virt_type);

}  // namespace kilonova::agent::adapters::libvirt
