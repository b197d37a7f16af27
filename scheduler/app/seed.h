// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "common/base/status.h"
#include "flavors/extra_specs/validation.h"
#include "scheduler/core/conductor.h"

namespace kilonova::scheduler::app {

// Creates the flavors of the directory's files whose flavorid is not there yet. One that is there
// stays as it is, even if it differs: operators change flavors through the API.
Status SeedFlavors(const std::filesystem::path& directory,
                   flavors::extra_specs::Validation extra_specs_validation,
                   core::Conductor& conductor);

}  // namespace kilonova::scheduler::app
