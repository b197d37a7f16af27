// SPDX-License-Identifier: Apache-2.0
// The end of an instance on this host (step::kDelete). An instance that is not here is deleted just
// the same: the tombstone stops a build that comes later.
#pragma once

#include <memory>
#include <vector>

#include "agent/core/operation.h"

namespace kilonova::agent::core {

// Removes up to head.generation; what is here of a later generation stays.
std::unique_ptr<Runnable> MakeDelete(Services& services, OperationHead head, Cancellation& cancel);

// The NICs of the request an instance was built from; none when that cannot be read any more.
std::vector<model::NicRequest> NicsOf(Services& services, const InstanceRecord& record);

}  // namespace kilonova::agent::core
