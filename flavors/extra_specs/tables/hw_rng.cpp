// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array kRows{
    Row{.name = "hw_rng:allowed",
        .value = {.type = ValueType::kBool},
        .help = "Whether an image may ask for a random number generator; on unless said."},
    Row{.name = "hw_rng:rate_bytes",
        .value = {.type = ValueType::kInt, .min = 0},
        .help = "Bytes of the host's entropy the guest may read in a period."},
    Row{.name = "hw_rng:rate_period",
        .value = {.type = ValueType::kInt, .min = 0},
        .help = "Length of that period in milliseconds."},
};

}  // namespace

Table HwRngTable() { return {.rows = kRows}; }

}  // namespace kilonova::flavors::extra_specs
