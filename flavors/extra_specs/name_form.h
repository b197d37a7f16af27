// SPDX-License-Identifier: Apache-2.0
// Names with parameters: "hw:numa_cpus.{num}", "trait{group}:CUSTOM_{trait}". See Row::name.
#pragma once

#include <string_view>

namespace kilonova::flavors::extra_specs {

// Whether `key` as a whole is such a name. Linear in the key. As in Nova, a '.' of the form stands
// for any one character but a newline.
bool MatchesForm(std::string_view form, std::string_view key);

inline bool HasParameters(std::string_view form) {
  return form.find('{') != std::string_view::npos;
}

}  // namespace kilonova::flavors::extra_specs
