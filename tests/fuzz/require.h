// SPDX-License-Identifier: Apache-2.0
// What a fuzz target says of any input: it stops the run when it does not hold.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace kilonova::fuzz {

inline void Require(bool holds) {
  if (!holds) std::abort();
}

inline std::string_view Text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Up to the next newline, which is taken off `rest` too.
inline std::string_view NextLine(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : rest.size());
  return line;
}

}  // namespace kilonova::fuzz
