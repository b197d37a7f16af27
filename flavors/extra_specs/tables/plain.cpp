// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array<std::string_view, 2> kGroupPolicy{"isolate", "none"};

constexpr std::array kRows{
    Row{.name = "group_policy",
        .value = {.allowed = kGroupPolicy},
        .help = "Whether granular resource groups must come from different resource providers."},
    Row{.name = "hide_hypervisor_id",
        .value = {.type = ValueType::kBool},
        .help = "The old name of hw:hide_hypervisor_id; AggregateInstanceExtraSpecsFilter trips "
                "over it.",
        .driver = Driver::kLibvirt,
        .deprecated = true},
};

}  // namespace

Table PlainTable() { return {.rows = kRows}; }

}  // namespace kilonova::flavors::extra_specs
