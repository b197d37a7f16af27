// SPDX-License-Identifier: Apache-2.0
// From a request of the queue to the guest's description: what this agent can be asked for today.
#pragma once

#include "agent/core/hypervisor.h"
#include "agent/core/image_store.h"
#include "agent/guest/describe.h"
#include "common/model/requests.h"

namespace kilonova::agent::guest {

// Everything `request` says of the guest. `base` is the cached image under the root disk.
// Not in it: where the guest is on the host (NUMA cells, serial ports), which the caller adds.
// IMAGE_INVALID, NETWORK_INVALID, INVALID_ARGUMENT, and what DevicesWantedOf refuses.
Expected<GuestInput> InputOf(const GuestConfig& config, const core::HostFacts& facts,
                             const model::BuildRequest& request, const core::CachedImage& base);

// CheckServed, InputOf, PlaceDisks and DescribeGuest. FEATURE_NOT_SERVED, IMAGE_INVALID,
// FLAVOR_INVALID, NETWORK_INVALID or INVALID_ARGUMENT.
Expected<Domain> DescribeRequest(const GuestConfig& config, const core::HostFacts& facts,
                                 const model::BuildRequest& request, const core::CachedImage& base);

}  // namespace kilonova::agent::guest
