// SPDX-License-Identifier: Apache-2.0
// Nova's three states of an instance, with Nova's own spellings: what it is (vm_state), what is
// being done to it (task_state), what the hypervisor sees (power_state).
#pragma once

#include <optional>
#include <string_view>

namespace kilonova::model {

enum class VmState {
  kBuilding,
  kActive,
  kPaused,
  kSuspended,
  kStopped,
  kRescued,
  kResized,
  kSoftDeleted,
  kDeleted,
  kError,
  kShelved,
  kShelvedOffloaded,
};

// kNone is Nova's None: nothing is going on.
enum class TaskState {
  kNone,
  kScheduling,
  kBlockDeviceMapping,
  kNetworking,
  kSpawning,
  kPoweringOff,
  kPoweringOn,
  kRebooting,
  kRebootPending,
  kRebootStarted,
  kRebootingHard,
  kRebootPendingHard,
  kRebootStartedHard,
  kDeleting,
};

// The numbers are Nova's and go over the wire.
enum class PowerState {
  kNoState = 0,
  kRunning = 1,
  kPaused = 3,
  kShutdown = 4,
  kCrashed = 6,
  kSuspended = 7,
};

std::string_view Name(VmState state);     // "building", "soft-delete", "shelved_offloaded"
std::string_view Name(TaskState state);   // "scheduling", ...; kNone is ""
std::string_view Name(PowerState state);  // "pending", "running", "paused", "shutdown", ...
std::optional<VmState> VmStateFrom(std::string_view name);
std::optional<TaskState> TaskStateFrom(std::string_view name);
std::optional<PowerState> PowerStateFrom(int number);

}  // namespace kilonova::model
