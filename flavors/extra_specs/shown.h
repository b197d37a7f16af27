// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace kilonova::flavors::extra_specs {

// `text` fit for a message: at most 64 characters ("..." after them), '?' for what is not
// printable.
std::string Shown(std::string_view text);

}  // namespace kilonova::flavors::extra_specs
