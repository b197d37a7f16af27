// SPDX-License-Identifier: Apache-2.0
// What a host answers when an extra spec asks for one of its capabilities: the attributes of Nova's
// HostState by name, its stats, and what lies inside cpu_info's JSON; each as Python prints it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scheduler/core/fleet.h"

namespace kilonova::scheduler::filters {

// True when the host has an attribute or a stat of that name.
bool HasCapability(const core::Fleet& fleet, core::HostIndex host, const std::string& name);

// Follows `path` ("cpu_info", "topology", "cores"); nothing where it leads nowhere. What Nova's
// HostState has only as a Python object (methods, PCI and metric objects) leads nowhere here.
std::optional<std::string> Capability(const core::Fleet& fleet, core::HostIndex host,
                                      const std::vector<std::string>& path);

}  // namespace kilonova::scheduler::filters
