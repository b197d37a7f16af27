// SPDX-License-Identifier: Apache-2.0
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <array>

#include "common/base/ids.h"
#include "scheduler/core/placement.h"

namespace kilonova::scheduler::core {
namespace {

constexpr std::array<std::string_view, 2> kKnown = {"different_host", "same_host"};

Status Bad(std::string_view name, std::string_view message) {
  // The name is the client's: shortened, it may be a megabyte.
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
               {{"field", "scheduler_hints." + std::string(name.substr(0, 64))}});
}

}  // namespace

Expected<Hints> ValidateHints(const Hints& hints) {
  Hints valid;
  for (const auto& [name, values] : hints) {
    if (std::ranges::find(kKnown, name) == kKnown.end()) {
      return Bad(name, "unknown scheduler hint; known are different_host and same_host");
    }
    absl::flat_hash_set<std::string_view> seen;
    std::vector<std::string> kept;
    for (const auto& value : values) {
      if (!seen.insert(value).second) continue;
      if (kept.size() == kMostHintValues) {
        return Bad(name, "a scheduler hint may name at most 100 instances");
      }
      if (!Uuid::Parse(value).ok()) return Bad(name, "a scheduler hint must name instance uuids");
      kept.push_back(value);
    }
    valid.emplace(name, std::move(kept));
  }
  return valid;
}

}  // namespace kilonova::scheduler::core
