// SPDX-License-Identifier: Apache-2.0
// The part of the configuration that says what guests are like: Nova's options under Nova's names,
// read into agent/guest's configuration.
#pragma once

#include "agent/guest/config.h"
#include "common/base/status.h"
#include "common/runtime/config.h"

namespace kilonova::agent::app {

// Asks `config` for all of them; what it finds wrong with one key it tells itself. CONFIG_INVALID
// for what only this knows to be wrong. What guests take from other parts of the configuration (CPU
// sets, disks, TPMs, serial consoles) the caller fills in.
Status ReadGuestOptions(runtime::Config& config, guest::GuestConfig& guest);

}  // namespace kilonova::agent::app
