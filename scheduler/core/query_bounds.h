// SPDX-License-Identifier: Apache-2.0
// How big a scheduler hint "query" may be. It comes from a tenant, and the JsonFilter works it out
// for every host: the bounds are checked before anything is parsed.
#pragma once

#include <string_view>

#include "common/base/status.h"

namespace kilonova::scheduler::core {

inline constexpr std::size_t kMostQueryBytes = 2048;
inline constexpr std::size_t kMostQueryDepth = 16;

// INVALID_ARGUMENT with the field scheduler_hints.query.
Status CheckQueryBounds(std::string_view query);

}  // namespace kilonova::scheduler::core
