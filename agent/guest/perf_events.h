// SPDX-License-Identifier: Apache-2.0
// Performance events of guests that libvirt can count, by Nova's enabled_perf_events.
#pragma once

#include <string>
#include <vector>

namespace kilonova::agent::guest {

// Those of `wanted` that libvirt knows and the kernel still has, each once, in order. The others
// are left out with a warning each, as in Nova: names libvirt does not know, and Intel's CMT events
// (cmt, mbml, mbmt), which are gone from Linux since 4.14.
std::vector<std::string> KnownPerfEvents(const std::vector<std::string>& wanted);

}  // namespace kilonova::agent::guest
