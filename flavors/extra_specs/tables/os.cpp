// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array<std::string_view, 6> kResolutions{"1024x768",  "1280x1024", "1600x1200",
                                                       "1920x1200", "2560x1600", "3840x2160"};
constexpr std::array<std::string_view, 2> kSecureBoot{"disabled", "required"};
constexpr std::array<std::string_view, 5> kVram{"64", "128", "256", "512", "1024"};

constexpr std::array kRows{
    Row{.name = "os:monitors",
        .value = {.type = ValueType::kInt, .min = 1, .max = 8},
        .help = "Number of the guest's monitors.",
        .driver = Driver::kHyperV},
    Row{.name = "os:resolution",
        .value = {.allowed = kResolutions},
        .help = "Resolution of the guest's screen.",
        .driver = Driver::kHyperV},
    Row{.name = "os:secure_boot",
        .value = {.allowed = kSecureBoot},
        .help = "Whether the guest must boot with UEFI Secure Boot.",
        .driver = Driver::kLibvirtOrHyperV},
    Row{.name = "os:vram",
        .value = {.allowed = kVram},
        .help = "MiB of the guest's video memory.",
        .driver = Driver::kHyperV},
};

}  // namespace

Table OsTable() { return {.rows = kRows}; }

}  // namespace kilonova::flavors::extra_specs
