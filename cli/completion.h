// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace kilonova::cli {

// A bash script that completes commands, their options, and names it asks the scheduler for.
std::string BashCompletion();

}  // namespace kilonova::cli
