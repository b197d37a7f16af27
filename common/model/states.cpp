// SPDX-License-Identifier: Apache-2.0
#include "common/model/states.h"

#include <array>
#include <utility>

namespace kilonova::model {
namespace {

using VmName = std::pair<VmState, std::string_view>;
constexpr std::array kVmNames{
    VmName{VmState::kBuilding, "building"}, VmName{VmState::kActive, "active"},
    VmName{VmState::kPaused, "paused"},     VmName{VmState::kSuspended, "suspended"},
    VmName{VmState::kStopped, "stopped"},   VmName{VmState::kRescued, "rescued"},
    VmName{VmState::kResized, "resized"},   VmName{VmState::kSoftDeleted, "soft-delete"},
    VmName{VmState::kDeleted, "deleted"},   VmName{VmState::kError, "error"},
    VmName{VmState::kShelved, "shelved"},   VmName{VmState::kShelvedOffloaded, "shelved_offloaded"},
};

using TaskName = std::pair<TaskState, std::string_view>;
constexpr std::array kTaskNames{
    TaskName{TaskState::kNone, ""},
    TaskName{TaskState::kScheduling, "scheduling"},
    TaskName{TaskState::kBlockDeviceMapping, "block_device_mapping"},
    TaskName{TaskState::kNetworking, "networking"},
    TaskName{TaskState::kSpawning, "spawning"},
    TaskName{TaskState::kPoweringOff, "powering-off"},
    TaskName{TaskState::kPoweringOn, "powering-on"},
    TaskName{TaskState::kRebooting, "rebooting"},
    TaskName{TaskState::kRebootPending, "reboot_pending"},
    TaskName{TaskState::kRebootStarted, "reboot_started"},
    TaskName{TaskState::kRebootingHard, "rebooting_hard"},
    TaskName{TaskState::kRebootPendingHard, "reboot_pending_hard"},
    TaskName{TaskState::kRebootStartedHard, "reboot_started_hard"},
    TaskName{TaskState::kDeleting, "deleting"},
};

using PowerName = std::pair<PowerState, std::string_view>;
constexpr std::array kPowerNames{
    PowerName{PowerState::kNoState, "pending"}, PowerName{PowerState::kRunning, "running"},
    PowerName{PowerState::kPaused, "paused"},   PowerName{PowerState::kShutdown, "shutdown"},
    PowerName{PowerState::kCrashed, "crashed"}, PowerName{PowerState::kSuspended, "suspended"},
};

template <class Table, class Key>
std::string_view Find(const Table& table, Key key) {
  for (const auto& [value, name] : table) {
    if (value == key) return name;
  }
  return {};
}

template <class Key, class Table>
std::optional<Key> Reverse(const Table& table, std::string_view text) {
  for (const auto& [value, name] : table) {
    if (name == text) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view Name(VmState state) { return Find(kVmNames, state); }
std::string_view Name(TaskState state) { return Find(kTaskNames, state); }
std::string_view Name(PowerState state) { return Find(kPowerNames, state); }
std::optional<VmState> VmStateFrom(std::string_view name) {
  return Reverse<VmState>(kVmNames, name);
}
std::optional<TaskState> TaskStateFrom(std::string_view name) {
  return Reverse<TaskState>(kTaskNames, name);
}
std::optional<PowerState> PowerStateFrom(int number) {
  for (const auto& [value, name] : kPowerNames) {
    if (static_cast<int>(value) == number) return value;
  }
  return std::nullopt;
}

}  // namespace kilonova::model
