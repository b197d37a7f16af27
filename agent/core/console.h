// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "agent/core/host_view.h"

namespace kilonova::agent::core {

// The last `max_bytes` of `log` preceded by its rotated predecessor `log`.0, byte for byte. A file
// that is not there is empty. Never follows a symbolic link.
Expected<ConsoleTail> ReadConsoleTail(const std::filesystem::path& log, std::size_t max_bytes);

}  // namespace kilonova::agent::core
