// SPDX-License-Identifier: Apache-2.0
// What start, stop and reboot have in common.
#pragma once

#include "agent/core/operation.h"

namespace kilonova::agent::core {

// The record of the instance an action is about. INSTANCE_NOT_FOUND, or CLAIM_STALE when the action
// means another generation than the one that is here.
Expected<InstanceRecord> RecordFor(Operation& op);

// INSTANCE_STATE_CONFLICT for an instance that never ran: it is being built, or its build failed.
Status RequireLaunched(const InstanceRecord& record);

// Presses the power button, again every `retry` (0: once), and waits at most `timeout` for the
// guest to be off. Parks in between: kept over the runs of its operation.
class CleanShutdown {
 public:
  CleanShutdown(std::chrono::milliseconds timeout, std::chrono::milliseconds retry)
      : timeout_(timeout), retry_(retry) {}
  // True when it is off, false when it did not heed.
  Expected<bool> Run(Operation& op);

 private:
  const std::chrono::milliseconds timeout_, retry_;
  std::optional<SteadyTime> begin_, pressed_;
};
// os_shutdown_timeout of the instance's image in seconds, else the host's setting.
std::chrono::milliseconds ShutdownTimeout(Services& services, const InstanceRecord& record);

// The domain XML made again from what the instance was built from; "" when only libvirt still knows
// it (an adopted guest).
Expected<std::string> RebuildXml(Operation& op, InstanceRecord& record);
// Starts the guest, with the passphrase of its TPM, if it has one, in libvirt's memory meanwhile.
Status StartGuest(Operation& op, std::optional<std::chrono::milliseconds> most = std::nullopt);
// Removes its definition, and the passphrase from libvirt's memory should it be there.
Status UndefineGuest(Operation& op, std::optional<std::chrono::milliseconds> most = std::nullopt);
// Takes the passphrase out of libvirt's memory. What fails is tried again when the guest goes.
void ForgetTpmSecret(Operation& op);

// Ends an action well: the record and the report get these states.
Status EndAction(Operation& op, InstanceRecord record, model::VmState vm, model::PowerState power);
// Ends it badly: the record keeps `vm`, the power is what libvirt says if it says anything.
void FailAction(Operation& op, std::optional<InstanceRecord> record, model::VmState vm,
                const Status& why);

}  // namespace kilonova::agent::core
