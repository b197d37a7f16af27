// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace kilonova::hardware {

// Whether Nova has an image property of this current name; numbered ones are hw_numa_cpus.N and
// hw_numa_mem.N.
bool IsImageProperty(std::string_view name);

}  // namespace kilonova::hardware
