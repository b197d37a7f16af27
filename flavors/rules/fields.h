// SPDX-License-Identifier: Apache-2.0
// Nova's rules for the fields of a flavor, one by one. Lengths count characters.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/model/flavor.h"
#include "flavors/rules/violation.h"

namespace kilonova::flavors::rules {

inline constexpr std::int64_t kMostSize = 0x7FFFFFFF;  // Nova's database integer
inline constexpr double kMostRxtx = 3.40282e+38;       // and its single precision float

enum class Spaces : std::uint8_t { kInside, kOutsideToo };  // kOutsideToo: Nova's API 2.0

// 1 to 255 printable characters of Unicode's first plane. Like all of Nova's patterns it lets a
// newline pass at the very end.
Judgement JudgeName(std::string_view name, Spaces spaces = Spaces::kInside);
// 1 to 255 of letters, digits, space . _ -; no space at the ends.
Judgement JudgeFlavorId(std::string_view id);
// `field` is "memory_mb", "vcpus": 1 or more; "root_gb", "ephemeral_gb", "swap": 0 or more.
Judgement JudgeSize(std::string_view field, std::int64_t size);
Judgement JudgeRxtxFactor(double factor);           // above 0
Judgement JudgeDescription(std::string_view text);  // 65535 printable characters
Judgement JudgeExtraSpecKey(std::string_view key);  // 1 to 255 of letters, digits, space - _ : .
Judgement JudgeExtraSpecValue(std::string_view key, std::string_view value);  // 255 characters

// A flavor on its way in from gRPC or a file: all of the above, as Nova's API 2.55 has them. What
// the extra specs mean is extra_specs::Validate's to say. An empty flavorid passes.
Judgement JudgeFlavor(const model::Flavor& flavor);
// Of a change of these two alone.
Judgement JudgeChange(const model::ExtraSpecs& extra_specs, std::string_view description);

}  // namespace kilonova::flavors::rules
