// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/model/states.h"

namespace kilonova::grpc {

// Numbers of kilonova.v1.VmState and kilonova.v1.PowerState; the enums themselves are left to those
// who include the generated headers.
int ToProto(model::VmState state);
int ToProto(model::PowerState state);
// INVALID_ARGUMENT for a number that is no state, 0 included for the vm_state.
Expected<model::VmState> VmStateFromProto(int number);
Expected<model::PowerState> PowerStateFromProto(int number);
// The name as on the wire, "" for none.
Expected<model::TaskState> TaskStateFromProto(const std::string& name);

}  // namespace kilonova::grpc
