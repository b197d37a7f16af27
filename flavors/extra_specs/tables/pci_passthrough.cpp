// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array kRows{
    Row{.name = "pci_passthrough:alias",
        .value = {.form = ValueForm::kPciAliases},
        .help = "PCI devices to pass through: alias:count, several with commas. The compute hosts' "
                "configuration says what an alias is.",
        .driver = Driver::kLibvirt},
};

}  // namespace

Table PciPassthroughTable() { return {.rows = kRows}; }

}  // namespace kilonova::flavors::extra_specs
