// SPDX-License-Identifier: Apache-2.0
#include "common/model/methods.h"

namespace kilonova::model {

std::string_view MethodOf(ActionKind kind) {
  switch (kind) {
    case ActionKind::kTerminate:
      return "terminate_instance";
    case ActionKind::kStart:
      return "start_instance";
    case ActionKind::kStop:
      return "stop_instance";
    case ActionKind::kReboot:
      return "reboot_instance";
  }
  return "";
}

std::optional<ActionKind> ActionOf(std::string_view method) {
  using enum ActionKind;
  for (const ActionKind kind : {kTerminate, kStart, kStop, kReboot}) {
    if (MethodOf(kind) == method) return kind;
  }
  return std::nullopt;
}

}  // namespace kilonova::model
