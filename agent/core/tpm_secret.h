// SPDX-License-Identifier: Apache-2.0
// The passphrase under which swtpm encrypts the state of an instance's emulated TPM. Made once,
// kept in instances/<uuid>/vtpm.secret (0600) beside the disks, and as long as these
// (docs/adr/0016). It is durable before libvirt hears of it, so no state is ever encrypted under
// one that is lost.
#pragma once

#include <optional>
#include <string>

#include "agent/core/paths.h"
#include "common/base/status.h"

namespace kilonova::agent::core {

// The instance's; made when there is none. As in Nova 384 random bytes in Base64. The instance's
// directory must be there. HOST_DISK_FULL or INTERNAL.
Expected<std::string> EnsureTpmSecret(const Paths& paths, const Uuid& instance);
// Nothing when it has none. INTERNAL when it cannot be read.
Expected<std::optional<std::string>> ReadTpmSecret(const Paths& paths, const Uuid& instance);
bool HasTpmSecret(const Paths& paths, const Uuid& instance);

}  // namespace kilonova::agent::core
