// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array kRows{
    Row{.name = "vmware:hw_version",
        .help = "Virtual hardware version, to keep instances on hosts that have it.",
        .driver = Driver::kVmware},
    Row{.name = "vmware:storage_policy",
        .help = "Storage policy of new instances, where policy based management is on.",
        .driver = Driver::kVmware},
};

}  // namespace

Table VmwareTable() { return {.rows = kRows}; }

}  // namespace kilonova::flavors::extra_specs
