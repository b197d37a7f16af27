// SPDX-License-Identifier: Apache-2.0
#include "common/base/program.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace kilonova {

std::optional<std::filesystem::path> FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    if (directory.empty()) continue;
    std::filesystem::path program = std::filesystem::path(directory) / name;
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return std::nullopt;
}

}  // namespace kilonova
