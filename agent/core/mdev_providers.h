// SPDX-License-Identifier: Apache-2.0
// Physical GPUs as Placement knows them, and what a build has of them.
#pragma once

#include <string>
#include <vector>

#include "common/hardware/mdevs.h"
#include "common/model/reports.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

// A provider nested in the host for each physical GPU, named as Nova names it: "<node>_<device>".
std::vector<model::NestedProvider> MdevProviders(const hardware::MdevTypes& types,
                                                 const hardware::MdevMachine& machine,
                                                 const std::string& node);

// What the build's claim took of such providers; when it says nothing of them, what the flavor
// asks for, of any GPU that has room.
std::vector<hardware::MdevRequest> MdevsWanted(const model::BuildRequest& build,
                                               const hardware::MdevTypes& types,
                                               const std::string& node);

}  // namespace kilonova::agent::core
