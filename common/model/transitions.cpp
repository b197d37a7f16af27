// SPDX-License-Identifier: Apache-2.0
#include "common/model/transitions.h"

#include <array>
#include <string>

namespace kilonova::model {
namespace {

template <class... S>
constexpr std::uint32_t Set(S... states) {
  return (0U | ... | (1U << static_cast<unsigned>(states)));
}
constexpr std::uint32_t kAny = ~0U;

using V = VmState;
using T = TaskState;
using E = InstanceEvent;

constexpr std::uint32_t kIdle = Set(T::kNone);
constexpr std::uint32_t kNotDeleted = kAny & ~Set(V::kDeleted);
// A host's word on a build counts until the user's delete does.
constexpr std::uint32_t kBuildTasks =
    Set(T::kNone, T::kScheduling, T::kBlockDeviceMapping, T::kNetworking, T::kSpawning);
constexpr std::uint32_t kRebootTasks =
    Set(T::kRebooting, T::kRebootPending, T::kRebootStarted, T::kRebootingHard,
        T::kRebootPendingHard, T::kRebootStartedHard);

struct Rule {
  E event;
  std::string_view name;
  std::uint32_t vm, task;  // from
  bool launched = false;   // only once the guest has run
  std::optional<V> to_vm = std::nullopt;
  std::optional<T> to_task = std::nullopt;
};

constexpr std::array kRules{
    Rule{E::kDelete, "delete", kAny, kAny, false, std::nullopt, T::kDeleting},
    Rule{E::kStart, "start", Set(V::kStopped), kIdle, true, std::nullopt, T::kPoweringOn},
    Rule{E::kStop, "stop", Set(V::kActive, V::kError), kIdle, true, std::nullopt, T::kPoweringOff},
    Rule{E::kSoftReboot, "soft reboot", Set(V::kActive), kIdle, true, std::nullopt, T::kRebooting},
    // Nova lets a hard reboot interrupt a soft one, and one that is not under way yet.
    Rule{E::kHardReboot, "hard reboot",
         Set(V::kActive, V::kStopped, V::kPaused, V::kSuspended, V::kError),
         Set(T::kNone, T::kRebooting, T::kRebootPending, T::kRebootStarted, T::kRebootingHard),
         true, std::nullopt, T::kRebootingHard},

    Rule{E::kReschedule, "re-schedule", Set(V::kBuilding), kBuildTasks, false, V::kBuilding,
         T::kScheduling},
    Rule{E::kGiveUp, "give up", Set(V::kBuilding), kBuildTasks, false, V::kError, T::kNone},
    Rule{E::kDeleted, "deleted", kNotDeleted, kAny, false, V::kDeleted, T::kNone},

    Rule{E::kBuildProgress, "build progress", Set(V::kBuilding), kBuildTasks},
    Rule{E::kBuildDone, "build done", Set(V::kBuilding), kBuildTasks, false, V::kActive, T::kNone},
    Rule{E::kTerminateDone, "terminate done", kNotDeleted, kAny, false, V::kDeleted, T::kNone},
    Rule{E::kTerminateFailed, "terminate failed", kNotDeleted, Set(T::kDeleting), false, V::kError,
         T::kNone},
    Rule{E::kStartDone, "start done", kNotDeleted, Set(T::kPoweringOn), false, V::kActive,
         T::kNone},
    Rule{E::kStartFailed, "start failed", kNotDeleted, Set(T::kPoweringOn), false, std::nullopt,
         T::kNone},
    Rule{E::kStopDone, "stop done", kNotDeleted, Set(T::kPoweringOff), false, V::kStopped,
         T::kNone},
    Rule{E::kStopFailed, "stop failed", kNotDeleted, Set(T::kPoweringOff), false, std::nullopt,
         T::kNone},
    Rule{E::kRebootDone, "reboot done", kNotDeleted, kRebootTasks, false, V::kActive, T::kNone},
    // Whether it stays what it was or goes to ERROR depends on the guest: see Apply.
    Rule{E::kRebootFailed, "reboot failed", kNotDeleted, kRebootTasks, false, std::nullopt,
         T::kNone},
    Rule{E::kActionProgress, "action progress", kNotDeleted, kAny & ~Set(T::kNone)},

    Rule{E::kObservedStopped, "observed stopped", Set(V::kActive, V::kPaused), kIdle, false,
         V::kStopped},
    Rule{E::kObservedSuspended, "observed suspended", kNotDeleted, kIdle},
    Rule{E::kObservedRunning, "observed running", kNotDeleted, kIdle},
    Rule{E::kObservedOther, "observed", kNotDeleted, kIdle},
};
static_assert(kRules.size() == kInstanceEvents);

constexpr bool InOrder() {
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    if (static_cast<std::size_t>(kRules[i].event) != i) return false;
  }
  return true;
}
static_assert(InOrder());

const Rule& RuleOf(E event) { return kRules[static_cast<std::size_t>(event)]; }

}  // namespace

std::string_view Name(InstanceEvent event) { return RuleOf(event).name; }

std::optional<std::string_view> Refusal(const InstanceStates& states, InstanceEvent event) {
  const Rule& rule = RuleOf(event);
  if ((rule.vm & Set(states.vm)) == 0) return "vm_state";
  if ((rule.task & Set(states.task)) == 0) return "task_state";
  if (rule.launched && !states.launched) return "launched_at";
  return std::nullopt;
}

Expected<InstanceStates> Apply(const InstanceStates& states, InstanceEvent event) {
  const Rule& rule = RuleOf(event);
  if (const auto attribute = Refusal(states, event)) {
    std::string state = *attribute == "vm_state"     ? std::string(Name(states.vm))
                        : *attribute == "task_state" ? std::string(Name(states.task))
                                                     : std::string("never launched");
    if (state.empty()) state = "none";
    return Error(Code::kFailedPrecondition, reason::kInstanceStateConflict,
                 "cannot " + std::string(rule.name) + " while the instance is in " +
                     std::string(*attribute) + " " + state,
                 {{"attribute", std::string(*attribute)}, {"state", state}});
  }
  InstanceStates after = states;
  if (rule.to_vm) after.vm = *rule.to_vm;
  if (rule.to_task) after.task = *rule.to_task;
  if (event == E::kBuildDone) after.launched = true;
  if (event == E::kRebootFailed && states.power != PowerState::kRunning) after.vm = V::kError;
  if (after.vm == V::kDeleted) after.power = PowerState::kNoState;
  return after;
}

bool MustBeStopped(const InstanceStates& states, PowerState seen) {
  if (states.task != TaskState::kNone) return false;
  if (states.vm == VmState::kActive) return seen == PowerState::kSuspended;
  if (states.vm != VmState::kStopped) return false;
  return seen != PowerState::kNoState && seen != PowerState::kShutdown &&
         seen != PowerState::kCrashed;
}

}  // namespace kilonova::model
