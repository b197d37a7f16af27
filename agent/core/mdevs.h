// SPDX-License-Identifier: Apache-2.0
// Mediated devices of guests, as Nova's compute sees to them: a guest gets idle ones of the
// physical GPU its claim names, or new ones; they stay when it goes, for the next one. Which ones
// it has is in the journal before any is made, so that none is lost or given twice.
#pragma once

#include <vector>

#include "agent/core/operation.h"
#include "common/hardware/mdevs.h"

namespace kilonova::agent::core {

// Those the instance is to have, none of which need be made yet: promised to it in the claims until
// they are released, and the same ones when asked again. HOST_RESOURCES_EXHAUSTED.
Expected<std::vector<hardware::Mdev>> ClaimMdevs(Operation& op,
                                                 const std::vector<hardware::MdevRequest>& wanted);

// Makes those of the instance that are not there: a new guest's, and all of them after the machine
// was started anew. HOST_RESOURCES_EXHAUSTED also for one of a type that its GPU is configured for
// no more. Idempotent.
Status EnsureMdevs(Services& services, const Uuid& instance);

// The same for all instances of `records`; what fails is logged.
void RecreateMdevs(Services& services, const std::vector<InstanceRecord>& records);

// Those that libvirt says the domain has.
Expected<std::vector<hardware::Mdev>> MdevsOfDomain(Services& services, const Uuid& domain);

}  // namespace kilonova::agent::core
