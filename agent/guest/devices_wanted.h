// SPDX-License-Identifier: Apache-2.0
// What a guest needs of its host beside disks and networks, before it can be described.
#pragma once

#include "agent/core/guest_describer.h"
#include "agent/guest/config.h"
#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::guest {

// FEATURE_NOT_SERVED for a TPM where swtpm is not enabled; FLAVOR_INVALID or IMAGE_INVALID as
// Nova's refusals, more than three serial ports among them.
Expected<core::DevicesWanted> DevicesWantedOf(const GuestConfig& config,
                                              const model::BuildRequest& request);

}  // namespace kilonova::agent::guest
