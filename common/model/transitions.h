// SPDX-License-Identifier: Apache-2.0
// What may happen to an instance in which state, and what it is afterwards: one table, one Apply.
// The rules for requests are Nova's (its compute API's decorators); the rules for what hosts report
// are Nova's compute manager's.
//
//   ASSIGN_OR_RETURN(InstanceStates after, Apply(before, InstanceEvent::kStop));
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/status.h"
#include "common/model/states.h"

namespace kilonova::model {

struct InstanceStates {
  VmState vm = VmState::kBuilding;
  TaskState task = TaskState::kScheduling;
  PowerState power = PowerState::kNoState;
  bool launched = false;  // the guest ran at least once
  friend bool operator==(const InstanceStates&, const InstanceStates&) = default;
};

enum class InstanceEvent : std::uint8_t {
  // Asked for through the API.
  kDelete,
  kStart,
  kStop,
  kSoftReboot,
  kHardReboot,
  // Decided by the scheduler.
  kReschedule,  // a build goes to another host
  kGiveUp,      // a build ends without a host
  kDeleted,     // gone without a host having anything to remove
  // Reported by the host. Progress moves task_state alone; the caller sets which.
  kBuildProgress,
  kBuildDone,
  kTerminateDone,
  kTerminateFailed,
  kStartDone,
  kStartFailed,
  kStopDone,
  kStopFailed,
  kRebootDone,
  kRebootFailed,
  kActionProgress,  // within start, stop, reboot or terminate
  // Seen by the hypervisor with no operation going on: the guest stopped by itself or crashed, was
  // suspended, runs (again), or something that has no say in vm_state.
  kObservedStopped,
  kObservedSuspended,
  kObservedRunning,
  kObservedOther,
};
inline constexpr int kInstanceEvents = static_cast<int>(InstanceEvent::kObservedOther) + 1;

std::string_view Name(InstanceEvent event);

// Which of the three stands against `event` in these states, in the order Nova looks:
// "vm_state", "task_state" or "launched_at". nullopt = it may happen.
std::optional<std::string_view> Refusal(const InstanceStates& states, InstanceEvent event);

// The states after `event`; power_state is what the caller knows and passes through. A refusal is
// FAILED_PRECONDITION/INSTANCE_STATE_CONFLICT with details "attribute" and "state".
Expected<InstanceStates> Apply(const InstanceStates& states, InstanceEvent event);

// True when Nova would have the guest stopped for what was seen: it runs, or was suspended, though
// nobody asked for that.
bool MustBeStopped(const InstanceStates& states, PowerState seen);

}  // namespace kilonova::model
