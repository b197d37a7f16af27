// SPDX-License-Identifier: Apache-2.0
// Tap devices by name. Internal to agent/adapters/network.
#pragma once

#include <string>

#include "common/base/status.h"

namespace kilonova::agent::adapters::network {

// Deletes the tap `name`. OK when there is no such interface; FAILED_PRECONDITION when a process
// holds it; INTERNAL (with the detail "operator") when the kernel refuses.
Status DeleteTap(const std::string& name);

}  // namespace kilonova::agent::adapters::network
