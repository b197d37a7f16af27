// SPDX-License-Identifier: Apache-2.0
// Start (step::kStart), stop (step::kStop) and reboot (step::kReboot) of an instance that is here.
#pragma once

#include <memory>

#include "agent/core/operation.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

std::unique_ptr<Runnable> MakeStart(Services& services, OperationHead head, Cancellation& cancel);
std::unique_ptr<Runnable> MakeStop(Services& services, OperationHead head, Cancellation& cancel,
                                   bool clean_shutdown);
std::unique_ptr<Runnable> MakeReboot(Services& services, OperationHead head, Cancellation& cancel,
                                     model::RebootType type);

}  // namespace kilonova::agent::core
