// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array kRows{
    Row{.name = "hw_video:ram_max_mb",
        .value = {.type = ValueType::kInt, .min = 0},
        .help = "MiB of video memory an image may ask for with hw_video_ram."},
};

}  // namespace

Table HwVideoTable() { return {.rows = kRows}; }

}  // namespace kilonova::flavors::extra_specs
