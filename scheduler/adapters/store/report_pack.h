// SPDX-License-Identifier: Apache-2.0
// What a host says of itself as the bytes in its `doc` column: kPackMark, then fields (pack.h).
#pragma once

#include <string>
#include <string_view>

#include "common/model/reports.h"

namespace kilonova::scheduler::adapters {

std::string PackReport(const model::HostReport& report);
// `bytes` without the mark. Throws std::invalid_argument.
model::HostReport UnpackReport(std::string_view bytes);

}  // namespace kilonova::scheduler::adapters
