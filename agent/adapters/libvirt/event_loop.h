// SPDX-License-Identifier: Apache-2.0
// libvirt's event loop: one for the process, for ever. Internal to agent/adapters/libvirt.
#pragma once

namespace kilonova::agent::adapters::libvirt {

// Registers the loop, silences libvirt's habit of writing to stderr and starts the loop's thread.
// Once per process whatever the number of calls; must come before the first connection. The thread
// is never stopped: libvirt's callbacks may outlive any connection.
void StartEventLoop();

}  // namespace kilonova::agent::adapters::libvirt
