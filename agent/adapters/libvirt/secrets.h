// SPDX-License-Identifier: Apache-2.0
// The passphrases of emulated TPMs in libvirtd's memory, one connection given, no threads and no
// deadlines. Internal to agent/adapters/libvirt.
#pragma once

#include <string>

#include "agent/adapters/libvirt/handles.h"
#include "common/base/ids.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::libvirt {

// As Nova's: usage vtpm of the instance, ephemeral (never on libvirtd's disk) and private (told to
// no client). Its own uuid is the instance's too.
Status SetTpmSecret(virConnectPtr connect, const Uuid& instance, const std::string& passphrase);
// OK when there is none. HYPERVISOR_REFUSED when the secret of that uuid is no instance's TPM's.
Status ForgetTpmSecret(virConnectPtr connect, const Uuid& instance);

}  // namespace kilonova::agent::adapters::libvirt
