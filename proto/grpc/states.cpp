// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/states.h"

#include <array>

namespace kilonova::grpc {
namespace {

using model::VmState;

// Position = number in instance.proto, less one.
constexpr std::array kVmStates{
    VmState::kBuilding, VmState::kActive,  VmState::kPaused,  VmState::kSuspended,
    VmState::kStopped,  VmState::kRescued, VmState::kResized, VmState::kSoftDeleted,
    VmState::kDeleted,  VmState::kError,   VmState::kShelved, VmState::kShelvedOffloaded,
};

Status Invalid(const char* field, const std::string& value) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument,
               std::string(field) + " has no value " + value, {{"field", field}});
}

}  // namespace

int ToProto(model::VmState state) {
  for (std::size_t i = 0; i < kVmStates.size(); ++i) {
    if (kVmStates[i] == state) return static_cast<int>(i) + 1;
  }
  return 0;
}

int ToProto(model::PowerState state) { return static_cast<int>(state); }

Expected<model::VmState> VmStateFromProto(int number) {
  if (number < 1 || number > static_cast<int>(kVmStates.size())) {
    return Invalid("vm_state", std::to_string(number));
  }
  return kVmStates[static_cast<std::size_t>(number) - 1];
}

Expected<model::PowerState> PowerStateFromProto(int number) {
  if (const auto state = model::PowerStateFrom(number)) return *state;
  return Invalid("power_state", std::to_string(number));
}

Expected<model::TaskState> TaskStateFromProto(const std::string& name) {
  if (const auto state = model::TaskStateFrom(name)) return *state;
  return Invalid("task_state", "of this name");
}

}  // namespace kilonova::grpc
