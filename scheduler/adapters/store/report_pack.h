// SPDX-License-Identifier: Apache-2.0
// What a host says of itself as the bytes in its `doc` column: kPackMark, then fields (pack.h).
#pragma once

#include <absl/container/flat_hash_map.h>

#include <string>
#include <string_view>

#include "common/model/reports.h"
#include "scheduler/core/host_kinds.h"
#include "scheduler/core/records.h"

namespace kilonova::scheduler::adapters {

// A sharing provider's, in the same way.
std::string PackProvider(const core::SharingProviderRecord& provider);
core::SharingProviderRecord UnpackProvider(std::string_view bytes);
std::string PackReport(const model::HostReport& report);
// `bytes` without the mark. Throws std::invalid_argument.
model::HostReport UnpackReport(std::string_view bytes);

// Reads many reports: what hosts of one kind share is unpacked once.
class ReportUnpacker {
 public:
  // As UnpackReport, but for what `kind` has.
  model::HostReport Unpack(std::string_view bytes, core::HostKindPtr& kind);

 private:
  static constexpr std::size_t kMostKinds = 1024;
  absl::flat_hash_map<std::string, core::HostKindPtr> kinds_;  // by its packed fields
  std::string key_;
};

}  // namespace kilonova::scheduler::adapters
