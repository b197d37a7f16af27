// SPDX-License-Identifier: Apache-2.0
// Programs of the machine.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace kilonova {

// Where a program of that name is in PATH, the first that can be run; nothing when it is nowhere.
std::optional<std::filesystem::path> FindProgram(const std::string& name);

}  // namespace kilonova
