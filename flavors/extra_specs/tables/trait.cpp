// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "common/model/standard_names.h"
#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array<std::string_view, 1> kCustom{"CUSTOM_{trait}"};
constexpr std::array<std::string_view, 2> kWanted{"required", "forbidden"};

}  // namespace

std::vector<Table> TraitTables() {
  const Row common{.value = {.allowed = kWanted},
                   .help = "Whether the resource provider must have this trait or must not."};
  return {{.prefix = "trait{group}:", .names = model::StandardTraits(), .common = common},
          {.prefix = "trait{group}:", .names = kCustom, .common = common}};
}

}  // namespace kilonova::flavors::extra_specs
