// SPDX-License-Identifier: Apache-2.0
// Runs an external program: an absolute path and an argument vector, never a shell; no environment,
// no descriptors but its own three, no new privileges, limits on CPU, memory and wall clock, and
// where the kernel lets us no network.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

struct ToolRun {
  std::filesystem::path program;
  std::vector<std::string> arguments;  // without the program's name
  std::chrono::milliseconds wall_clock{60'000};
  std::uint64_t cpu_seconds = 30;
  std::uint64_t address_space = std::uint64_t{2} << 30;
};

struct ToolResult {
  int exit_code = 0;        // 128 + signal when one ended it
  std::string output;       // at most 1 MiB
  std::string diagnostics;  // at most 4 KiB of stderr
};

// INTERNAL when it cannot be started, DEADLINE_EXCEEDED when it outlived the wall clock, CANCELLED
// when told to stop; in the last two cases it has been killed and waited for.
Expected<ToolResult> RunTool(const ToolRun& run, const std::stop_token& stop = {});

}  // namespace kilonova::agent::adapters::images
