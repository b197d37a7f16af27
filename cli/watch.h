// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/wait.h"

namespace kilonova::cli {

class Client;

// Watches the instances until each has no task going on (or is gone), telling each change on
// stderr. kExitFailed when one ends in ERROR or its
// deletion fails, kExitRetry when `timeout` passes first.
int WaitForInstances(const Client& client, const std::vector<std::string>& uuids, WaitFor what,
                     std::chrono::milliseconds timeout);

}  // namespace kilonova::cli
