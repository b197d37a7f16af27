// SPDX-License-Identifier: Apache-2.0
// What a host may say of itself and of its guests: bounds that both daemons keep.
#pragma once

#include <cstddef>

namespace kilonova::model {

inline constexpr std::size_t kMaxConsoleBytes = std::size_t{100} * 1024;  // of one answer

// NUMA cells of a host report.
inline constexpr std::size_t kMostHostCells = 1024;
inline constexpr std::size_t kMostHostCores = 65536;  // sibling sets of one cell
inline constexpr std::size_t kMostPageSizes = 16;     // of one cell

}  // namespace kilonova::model
