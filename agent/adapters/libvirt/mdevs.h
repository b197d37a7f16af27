// SPDX-License-Identifier: Apache-2.0
// Mediated devices: libvirt says which there are, what makes them and who has them; the kernel
// makes them. Internal to agent/adapters/libvirt.
#pragma once

#include <libvirt/libvirt.h>

#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/hardware/mdevs.h"

namespace kilonova::agent::adapters::libvirt {

// A <device> that is a PCI device with capability mdev_types; nothing for any other. INTERNAL when
// it is no XML of a device.
Expected<std::optional<hardware::MdevParent>> ParseMdevParent(const std::string& xml);
// A <device> with capability mdev; nothing for any other, and for one with no uuid.
Expected<std::optional<hardware::Mdev>> ParseMdev(const std::string& xml);
// Uuids of the mediated devices of a <domain>.
Expected<std::vector<Uuid>> ParseMdevsOfDomain(const std::string& xml);

// Without their users. UNAVAILABLE while they do not stay the same long enough to be read.
Expected<hardware::MdevMachine> ListMdevs(virConnectPtr connect);
// Fills `users` in: of all domains of the host.
Status FindUsers(virConnectPtr connect, hardware::MdevMachine& machine);

// Through the kernel, as Nova does. `sys` is where sysfs is. OK when one of its uuid is there.
Status CreateMdev(const std::string& sys, const hardware::Mdev& mdev);

}  // namespace kilonova::agent::adapters::libvirt
