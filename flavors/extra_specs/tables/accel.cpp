// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array kRows{
    Row{.name = "accel:device_profile",
        .help = "Device profile of Cyborg whose accelerators the instance gets."},
};

}  // namespace

Table AccelTable() { return {.rows = kRows}; }

}  // namespace kilonova::flavors::extra_specs
