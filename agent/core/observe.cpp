// SPDX-License-Identifier: Apache-2.0
#include "agent/core/observe.h"

#include "agent/core/faults.h"
#include "common/base/log.h"
#include "common/model/transitions.h"

namespace kilonova::agent::core {

using model::PowerState;
using model::VmState;

VmState VmStateSeen(VmState vm, PowerState power) {
  const bool off = power == PowerState::kShutdown || power == PowerState::kCrashed;
  if ((vm == VmState::kActive || vm == VmState::kPaused) && off) return VmState::kStopped;
  return vm;
}

bool MustBeStopped(VmState vm, PowerState power) {
  return model::MustBeStopped({vm, model::TaskState::kNone, power}, power);
}

void Observe(Services& services, const Uuid& instance, bool crashed, bool repeat) {
  const auto known = services.ports.journal.Instance(instance);
  if (!known.ok() || !*known || (*known)->vm_state == VmState::kBuilding) return;
  Cancellation never;
  Operation op(services, {0, "", "", instance, (*known)->generation}, never);
  const auto power = op.Power();
  if (!power.ok()) return;  // the next reconciliation asks again
  InstanceRecord record = **known;
  const VmState seen = VmStateSeen(record.vm_state, *power);
  const bool told = *power == record.power_state && seen == record.vm_state;
  if (told && !(repeat && MustBeStopped(record.vm_state, *power))) return;
  Journal::Completion news;
  news.report = op.Report(model::Outcome::kObserved, seen, *power);
  if (crashed || *power == PowerState::kCrashed) {
    news.report->fault = MakeFault(
        Error(Code::kAborted, reason::kGuestCrashed, "the guest's hypervisor process ended"));
  }
  LogInfo("guest changed by itself",
          {F("instance", instance), F("power", model::Name(*power)),
           F("was", model::Name(record.power_state)), F("vm_state", model::Name(seen))});
  record.vm_state = seen;
  record.power_state = *power;
  news.upsert = std::move(record);
  if (op.Complete(std::move(news)).ok()) services.ports.control_plane.HostChanged();
}

}  // namespace kilonova::agent::core
