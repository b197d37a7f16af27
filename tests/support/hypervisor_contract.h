// SPDX-License-Identifier: Apache-2.0
// What every core::Hypervisor does, real or not; run by the tests of each.
#pragma once

#include <functional>
#include <string>

#include "agent/core/hypervisor.h"

namespace kilonova::testing {

// Takes a fresh domain through its life, each step twice. `xml_of` makes a startable domain of this
// uuid with the hypervisor's own host in its tag, generation 7. Subscribes; expectations by gtest.
void CheckHypervisorContract(agent::core::Hypervisor& hypervisor,
                             const std::function<std::string(const Uuid&)>& xml_of);

}  // namespace kilonova::testing
