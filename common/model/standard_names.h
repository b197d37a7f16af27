// SPDX-License-Identifier: Apache-2.0
// The names every Placement knows: os-traits 2.9.0 and os-resource-classes 1.1.0. An operator's own
// begin with CUSTOM_ and are not among them.
#pragma once

#include <span>
#include <string_view>

namespace kilonova::model {

// Both sorted by bytes.
std::span<const std::string_view> StandardTraits();
std::span<const std::string_view> StandardResourceClasses();

bool IsStandardTrait(std::string_view name);
bool IsStandardResourceClass(std::string_view name);

}  // namespace kilonova::model
