// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace kilonova::agent::app {

inline constexpr const char* kVersion = KILONOVA_VERSION;

}  // namespace kilonova::agent::app
