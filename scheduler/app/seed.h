// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "common/base/status.h"
#include "scheduler/core/conductor.h"

namespace kilonova::scheduler::app {

// Creates the flavors of the directory's files whose flavorid is not there yet. One that is there
// stays as it is, even if it differs: operators change flavors through the API.
Status SeedFlavors(const std::filesystem::path& directory, core::Conductor& conductor);

}  // namespace kilonova::scheduler::app
