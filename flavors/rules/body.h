// SPDX-License-Identifier: Apache-2.0
// The bodies of Nova's requests that make a flavor and give it extra specs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/model/flavor.h"
#include "flavors/rules/value.h"
#include "flavors/rules/violation.h"

namespace kilonova::flavors::rules {

// Where the rules changed. 2.0 takes names with spaces around them, and as the endpoint /v2 has it
// (kLegacy) ignores fields it does not know; 2.55 knows descriptions.
enum class Microversion : std::uint8_t { kLegacy, k2_0, k2_1, k2_55 };

struct NewFlavor {
  model::Flavor flavor;    // flavorid "" = one is to be made up
  bool described = false;  // a description was given, if only an empty one
};

// {"flavor": {"name", "id", "ram", "vcpus", "disk", "OS-FLV-EXT-DATA:ephemeral", "swap",
// "rxtx_factor", "os-flavor-access:is_public", "description"}}. `made` is set when nothing is
// wrong. Of several faults the one Nova names.
Judgement JudgeCreate(const Value& body, Microversion version, NewFlavor* made);

// {"extra_specs": {...}}, whose values may be numbers.
Judgement JudgeExtraSpecs(const Value& body, model::ExtraSpecs* made);

}  // namespace kilonova::flavors::rules
