// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace kilonova::agent::app {

// Of the core, the journal and the adapters.
std::vector<std::string> AllFailpoints();

}  // namespace kilonova::agent::app
