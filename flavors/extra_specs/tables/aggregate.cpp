// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array kRows{
    Row{.name = "aggregate_instance_extra_specs:{key}",
        .help =
            "Hosts must be in an aggregate whose metadata KEY satisfies the value: a text to be "
            "equal to, or an operator and operands: = == != >= <= s== s!= s>= s> s<= s< <in> "
            "<all-in> <or>. Read by AggregateInstanceExtraSpecsFilter."},
};

}  // namespace

Table AggregateTable() { return {.rows = kRows}; }

}  // namespace kilonova::flavors::extra_specs
