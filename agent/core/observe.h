// SPDX-License-Identifier: Apache-2.0
// What libvirt says of a guest, against what the record says. Runs in the instance's own line of
// the queue, so that what our own operation did is already in the record and is no news.
#pragma once

#include "agent/core/operation.h"

namespace kilonova::agent::core {

// What the instance is once its power was seen to be `power`, by Nova's rules: an active or paused
// guest found off or crashed is stopped; one found paused, or not found, stays what it is. Unlike
// Nova, a stopped guest found running is not switched off but called active: somebody with a right
// to this host started it.
model::VmState VmStateSeen(model::VmState vm, model::PowerState power);

void Observe(Services& services, const Uuid& instance, bool crashed);

}  // namespace kilonova::agent::core
