// SPDX-License-Identifier: Apache-2.0
// Texts that must look a certain way. Each check is linear in the text and needs no stack.
#pragma once

#include <string_view>

#include "flavors/extra_specs/spec.h"

namespace kilonova::flavors::extra_specs {

bool HasForm(ValueForm form, std::string_view value);

// Nova's regular expression for it, for people to read; "" for kFree.
std::string_view PatternOf(ValueForm form);

}  // namespace kilonova::flavors::extra_specs
