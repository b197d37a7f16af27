// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/options.h"

namespace kilonova::cli {

class Client;

enum class WaitFor { kSettled, kDeleted };

// Watches the instances until each has no task going on (or is gone), telling each change on
// stderr. kExitFailed when one ends in ERROR, kExitRetry when `timeout` passes first.
int WaitForInstances(const Client& client, const std::vector<std::string>& uuids, WaitFor what,
                     std::chrono::milliseconds timeout);

}  // namespace kilonova::cli
