// SPDX-License-Identifier: Apache-2.0
// What a host says of itself as the bytes in its `doc` column: kPackMark, then fields (pack.h).
#pragma once

#include <string>
#include <string_view>

#include "common/model/reports.h"
#include "scheduler/core/records.h"

namespace kilonova::scheduler::adapters {

// A sharing provider's, in the same way.
std::string PackProvider(const core::SharingProviderRecord& provider);
core::SharingProviderRecord UnpackProvider(std::string_view bytes);
std::string PackReport(const model::HostReport& report);
// `bytes` without the mark. Throws std::invalid_argument.
model::HostReport UnpackReport(std::string_view bytes);

}  // namespace kilonova::scheduler::adapters
