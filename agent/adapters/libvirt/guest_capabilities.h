// SPDX-License-Identifier: Apache-2.0
// Fills core::GuestCapabilities from libvirt, QEMU's descriptors and the kernel. Internal to
// agent/adapters/libvirt.
#pragma once

#include <string>

#include "agent/adapters/libvirt/capabilities.h"
#include "agent/adapters/libvirt/handles.h"
#include "agent/adapters/libvirt/hypervisor.h"
#include "agent/core/guest_capabilities.h"

namespace kilonova::agent::adapters::libvirt {

// `host` is what the same connection's capabilities say; `virt_type` what guests will use. What
// libvirt does not say (the test driver, old hosts) stays empty.
core::GuestCapabilities ReadGuestCapabilities(virConnectPtr connect, const Capabilities& host,
                                              const std::string& virt_type, const Options& options);

}  // namespace kilonova::agent::adapters::libvirt
