// SPDX-License-Identifier: Apache-2.0
// LifetimeWeigher: the less a VM prolongs the time until its host is empty, the better, so that
// hosts drain by themselves. To be summed with a weigher that packs, which decides among equals.
#pragma once

#include <memory>

#include "scheduler/core/pipeline.h"
#include "scheduler/replay/host_exits.h"

namespace kilonova::scheduler::replay {

// `exits` must outlive the weigher; the kind of a request's VM is its flavorid.
std::unique_ptr<core::Weigher> MakeLifetimeWeigher(const HostExits& exits, double multiplier);

}  // namespace kilonova::scheduler::replay
