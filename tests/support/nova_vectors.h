// SPDX-License-Identifier: Apache-2.0
// Recorded answers of real Nova: tests/vectors, or the directory that KILONOVA_VECTORS names.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace kilonova::testing {

// The text of the file called `name`; "" if there is none.
inline std::string ReadVectors(const std::string& name) {
  const char* const given = std::getenv("KILONOVA_VECTORS");
  const std::filesystem::path directory =
      given != nullptr && *given != 0 ? given : KILONOVA_SOURCE_DIR "/tests/vectors";
  std::ifstream file(directory / name);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace kilonova::testing
