// SPDX-License-Identifier: Apache-2.0
// What every core::Journal does. A test of an implementation calls it with an empty journal.
#pragma once

#include "agent/core/journal.h"

namespace kilonova::testing {

void CheckJournalContract(agent::core::Journal& journal);

}  // namespace kilonova::testing
