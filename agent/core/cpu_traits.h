// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kilonova::agent::core {

// The standard traits of libvirt's CPU features, by Nova's table; sorted, unknown features skipped.
std::vector<std::string> CpuTraits(const std::vector<std::string>& features);

// The feature a standard trait stands for; "" for other traits, and, as in Nova, for one of several
// traits of a feature.
std::string CpuFeatureOfTrait(std::string_view trait);

}  // namespace kilonova::agent::core
