// SPDX-License-Identifier: Apache-2.0
// Start (step::kStart), stop (step::kStop) and reboot (step::kReboot) of an instance that is here.
#pragma once

#include "agent/core/operation.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

void RunStart(Services& services, OperationHead head, Cancellation& cancel);
void RunStop(Services& services, OperationHead head, Cancellation& cancel, bool clean_shutdown);
void RunReboot(Services& services, OperationHead head, Cancellation& cancel,
               model::RebootType type);

}  // namespace kilonova::agent::core
