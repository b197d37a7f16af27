// SPDX-License-Identifier: Apache-2.0
// Recorded answers of real Nova: of the directory that KILONOVA_VECTORS names if it has the file,
// else of tests/vectors.
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
  std::filesystem::path path = std::filesystem::path(given == nullptr ? "" : given) / name;
  if (given == nullptr || !std::filesystem::exists(path)) {
    path = std::filesystem::path(KILONOVA_SOURCE_DIR "/tests/vectors") / name;
  }
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace kilonova::testing
