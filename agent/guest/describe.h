// SPDX-License-Identifier: Apache-2.0
// From everything a guest is made of to its description: Nova's LibvirtDriver._get_guest_config.
#pragma once

#include "agent/guest/config.h"
#include "agent/guest/disk_placement.h"
#include "agent/guest/domain.h"
#include "agent/guest/input.h"

namespace kilonova::agent::guest {

// `disks` is what PlaceDisks made of the same input. Refusals that Nova makes too carry its
// exception (common/hardware/errors.h); of several faults the one Nova meets first is named.
Expected<Domain> DescribeGuest(const GuestConfig& config, const core::GuestCapabilities& host,
                               const GuestInput& input, const DiskPlacement& disks);

}  // namespace kilonova::agent::guest
