// SPDX-License-Identifier: Apache-2.0
// Whether a host cell has the memory a guest cell wants, in the pages it wants. Internal.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/status.h"
#include "common/hardware/topology.h"

namespace kilonova::hardware {

// KiB of the cell's smallest page; nothing when it lists none.
std::optional<std::int64_t> SmallestPage(const HostNumaCell& cell);

// True when the guest cell's memory fits; its pagesize becomes the host's where it was a wish. Does
// not look at memory limits. An error only for pages of size 0 (ZeroDivisionError).
Expected<bool> FitPages(const HostNumaCell& host, InstanceNumaCell& instance);

}  // namespace kilonova::hardware
