// SPDX-License-Identifier: Apache-2.0
#include "agent/core/failpoint_names.h"

#include <algorithm>
#include <span>

namespace kilonova::agent::core {

int StepIndex(std::string_view operation, std::string_view name) {
  struct Family {
    std::string_view name;
    std::span<const std::string_view> steps;
    int base;
  };
  const std::array<Family, 6> families = {{{"build", step::kBuild, 0},
                                           {"undo", step::kUndo, 100},
                                           {"delete", step::kDelete, 0},
                                           {"start", step::kStart, 0},
                                           {"stop", step::kStop, 0},
                                           {"reboot", step::kReboot, 0}}};
  for (const Family& family : families) {
    if (family.name != operation) continue;
    const auto at = std::ranges::find(family.steps, name);
    return at == family.steps.end() ? 0
                                    : family.base + static_cast<int>(at - family.steps.begin()) + 1;
  }
  return 0;
}

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
