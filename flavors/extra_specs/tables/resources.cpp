// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "common/model/standard_names.h"
#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array<std::string_view, 1> kCustom{"CUSTOM_{resource}"};

}  // namespace

std::vector<Table> ResourcesTables() {
  const Row common{.value = {.type = ValueType::kInt},
                   .help =
                       "Amount of this resource class to claim, in place of what the flavor's "
                       "own size says; 0 takes the class out."};
  return {
      {.prefix = "resources{group}:", .names = model::StandardResourceClasses(), .common = common},
      {.prefix = "resources{group}:", .names = kCustom, .common = common}};
}

}  // namespace kilonova::flavors::extra_specs
