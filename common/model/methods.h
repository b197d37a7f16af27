// SPDX-License-Identifier: Apache-2.0
// The methods of Nova's compute RPC API that ask a host for something, as the wire names them.
#pragma once

#include <optional>
#include <string_view>

#include "common/model/requests.h"

namespace kilonova::model {

inline constexpr std::string_view kBuildMethod = "build_and_run_instance";
// "terminate_instance", "start_instance", "stop_instance" or "reboot_instance".
std::string_view MethodOf(ActionKind kind);
// Nothing for any other method, the build's included.
std::optional<ActionKind> ActionOf(std::string_view method);

}  // namespace kilonova::model
