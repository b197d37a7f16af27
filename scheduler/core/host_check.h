// SPDX-License-Identifier: Apache-2.0
// What a host may say of itself, before the fleet takes it.
#pragma once

#include "common/base/status.h"
#include "common/model/resources.h"
#include "scheduler/core/host_state.h"

namespace kilonova::scheduler::core {

// INVALID_ARGUMENT with the detail "field" for a bad host name, a metric that is no number, a
// senseless inventory or nested providers that are no tree.
Status ValidateHost(const HostState& state);
// Totals and reserved amounts from 0 to 2147483647, units of 1 and more, ratios above 0 and at most
// 1000000; INVALID_ARGUMENT otherwise.
Status ValidateInventories(const model::Inventories& inventories);

}  // namespace kilonova::scheduler::core
