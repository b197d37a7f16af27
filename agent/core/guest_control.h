// SPDX-License-Identifier: Apache-2.0
// What start, stop and reboot have in common.
#pragma once

#include "agent/core/operation.h"

namespace kilonova::agent::core {

// The record of the instance an action is about. INSTANCE_NOT_FOUND, or CLAIM_STALE when the action
// means another generation than the one that is here.
Expected<InstanceRecord> RecordFor(Operation& op);

// Presses the power button, again every `retry` (0: once), and waits at most `timeout` for the
// guest to be off. True when it is, false when it did not heed.
Expected<bool> CleanShutdown(Operation& op, std::chrono::milliseconds timeout,
                             std::chrono::milliseconds retry);
// os_shutdown_timeout of the instance's image in seconds, else the host's setting.
std::chrono::milliseconds ShutdownTimeout(Services& services, const InstanceRecord& record);

// The domain XML made again from what the instance was built from; "" when only libvirt still knows
// it (an adopted guest).
Expected<std::string> RebuildXml(Operation& op, const InstanceRecord& record);

// Ends an action well: the record and the report get these states.
Status EndAction(Operation& op, InstanceRecord record, model::VmState vm, model::PowerState power);
// Ends it badly: the record keeps `vm`, the power is what libvirt says if it says anything.
void FailAction(Operation& op, std::optional<InstanceRecord> record, model::VmState vm,
                const Status& why);

}  // namespace kilonova::agent::core
