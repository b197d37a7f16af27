// SPDX-License-Identifier: Apache-2.0
// A fitted NUMA topology as JSON: the instances' column `numa` (docs/formats/journal.md).
#pragma once

#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/hardware/topology.h"

namespace kilonova::agent::adapters::journal {

// "" for none.
std::string WriteNuma(const std::optional<hardware::InstanceNumaTopology>& numa);
// JOURNAL_FAILED when it is not what WriteNuma wrote.
Expected<std::optional<hardware::InstanceNumaTopology>> ReadNuma(const std::string& text);

}  // namespace kilonova::agent::adapters::journal
