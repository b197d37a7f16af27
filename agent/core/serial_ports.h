// SPDX-License-Identifier: Apache-2.0
// TCP ports of the host for the serial consoles of guests, as Nova allots them: the lowest of the
// range that no guest of this agent has and that can be bound. Unlike Nova's they stay the guest's
// until it is deleted, and are in its record.
#pragma once

#include <string>
#include <vector>

#include "agent/core/host_claims.h"
#include "agent/core/settings.h"
#include "common/base/status.h"

namespace kilonova::agent::core {

// So many ports of the instance's own, ascending: those it has, and more when they are too few.
// HOST_RESOURCES_EXHAUSTED when no other port can be listened on; then it has what it had before.
Expected<std::vector<int>> TakeSerialPorts(const SerialConsoleSettings& settings,
                                           HostClaims& claims, const Uuid& instance, int count);

// Where those ports are reached, "host:port" each; none where serial consoles are off, though a
// guest keeps its ports.
std::vector<std::string> SerialConsoles(const SerialConsoleSettings& settings,
                                        const std::vector<int>& ports);

// Whether QEMU could listen there; never on what is no IP address of this host's.
bool CanListen(const std::string& address, int port);

}  // namespace kilonova::agent::core
