// SPDX-License-Identifier: Apache-2.0
// What hosts of one kind have in common and what is most of a report: kept once for all of them.
// Not thread-safe; the conductor guards it.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/model/reports.h"

namespace kilonova::scheduler::core {

struct HostKind {
  std::string cpu_info;
  std::vector<std::string> traits;
  std::vector<std::vector<std::string>> supported_instances;
  friend bool operator==(const HostKind&, const HostKind&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const HostKind& kind) {
    return H::combine(std::move(state), kind.cpu_info, kind.traits, kind.supported_instances);
  }
};
using HostKindPtr = std::shared_ptr<const HostKind>;  // by as many hosts as are of it

class HostKinds {
 public:
  // Takes these parts out of the report.
  static HostKindPtr Taken(model::HostReport& report) {
    return std::make_shared<const HostKind>(
        HostKind{std::exchange(report.cpu_info, {}), std::exchange(report.traits, {}),
                 std::exchange(report.supported_instances, {})});
  }
  // One pointer for equal kinds, as long as a host has it; whether there was none yet.
  std::pair<HostKindPtr, bool> Shared(HostKindPtr kind) {
    const auto [known, fresh] = kinds_.insert(std::move(kind));
    HostKindPtr mine = *known;
    if (fresh && kinds_.size() > 2 * kept_) {
      absl::erase_if(kinds_, [](const HostKindPtr& k) { return k.use_count() == 1; });
      kept_ = std::max<std::size_t>(kinds_.size(), 64);
    }
    return {std::move(mine), fresh};
  }
  // The report as it was.
  static void PutBack(const HostKind& kind, model::HostReport& report) {
    report.cpu_info = kind.cpu_info;
    report.traits = kind.traits;
    report.supported_instances = kind.supported_instances;
  }

 private:
  struct Hash {
    std::size_t operator()(const HostKindPtr& k) const { return absl::Hash<HostKind>{}(*k); }
  };
  struct Equal {
    bool operator()(const HostKindPtr& a, const HostKindPtr& b) const { return *a == *b; }
  };
  absl::flat_hash_set<HostKindPtr, Hash, Equal> kinds_;
  std::size_t kept_ = 64;
};

}  // namespace kilonova::scheduler::core
