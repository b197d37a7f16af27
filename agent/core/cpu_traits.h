// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace kilonova::agent::core {

// The standard traits of libvirt's CPU features, by Nova's table; sorted, unknown features skipped.
std::vector<std::string> CpuTraits(const std::vector<std::string>& features);

}  // namespace kilonova::agent::core
