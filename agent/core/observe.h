// SPDX-License-Identifier: Apache-2.0
// What libvirt says of a guest, against what the record says. Runs in the instance's own line of
// the queue, so that what our own operation did is already in the record and is no news.
#pragma once

#include "agent/core/operation.h"

namespace kilonova::agent::core {

// What the instance is once its power was seen to be `power`, by the rules of Nova's
// _sync_instance_power_state: an active or paused guest found off or crashed is stopped; anything
// else stays what it is. A stopped guest found running stays STOPPED with its power RUNNING: the
// scheduler, told so, has it stopped again.
model::VmState VmStateSeen(model::VmState vm, model::PowerState power);
// True when the scheduler will have it stopped.
bool MustBeStopped(model::VmState vm, model::PowerState power);

// Reports what is news; with `repeat`, also a guest that must be stopped and still is not.
void Observe(Services& services, const Uuid& instance, bool crashed, bool repeat = false);

}  // namespace kilonova::agent::core
