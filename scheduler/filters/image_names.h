// SPDX-License-Identifier: Apache-2.0
// Nova's canonical names of architectures, hypervisor types and VM modes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kilonova::scheduler::filters {

// Nothing for a name Nova does not know.
std::optional<std::string> CanonicalArchitecture(std::string_view name);
std::optional<std::string> CanonicalHypervisorType(std::string_view name);
std::optional<std::string> CanonicalVmMode(std::string_view name);

}  // namespace kilonova::scheduler::filters
