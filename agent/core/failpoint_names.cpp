// SPDX-License-Identifier: Apache-2.0
#include "agent/core/failpoint_names.h"

#include <span>

namespace kilonova::agent::core {

std::vector<std::string> AllFailpoints() {
  std::vector<std::string> names;
  const auto add = [&names](std::string_view operation, std::span<const std::string_view> steps) {
    for (const std::string_view name : steps) {
      const std::string base = "agent." + std::string(operation) + "." + std::string(name);
      names.push_back(base + ".before");
      names.push_back(base + ".after");
    }
  };
  add("build", step::kBuild);
  add("undo", step::kUndo);
  add("delete", step::kDelete);
  add("start", step::kStart);
  add("stop", step::kStop);
  add("reboot", step::kReboot);
  // Around the commit of each kind of transaction (agent/adapters/journal).
  constexpr std::array<std::string_view, 2> kTransactions = {"accept", "complete"};
  add("journal", kTransactions);
  return names;
}

}  // namespace kilonova::agent::core
