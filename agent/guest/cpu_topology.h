// SPDX-License-Identifier: Apache-2.0
// Nova's choice of sockets, cores and threads. Internal to agent/guest.
#pragma once

#include "agent/guest/domain.h"

namespace kilonova::agent::guest {

// The topology Nova gives `flavor` with `image`: the preferred one where the limits of the flavor
// and the image allow it, else one thread per core and as many sockets as allowed.
// IMAGE_INVALID when the image asks for more than the flavor allows, FLAVOR_INVALID when no
// topology makes the number of vcpus.
Expected<CpuTopology> ChooseTopology(const model::Flavor& flavor, const model::ImageSource& image);

}  // namespace kilonova::agent::guest
