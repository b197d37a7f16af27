// SPDX-License-Identifier: Apache-2.0
// A flavor's extra specs judged as a whole, as strictly as the operator wants.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/model/flavor.h"

namespace kilonova::flavors::extra_specs {

enum class Validation : std::uint8_t {
  kStrict,      // as Nova from microversion 2.86 on: see Judge()
  kPermissive,  // a key that is not known passes with a warning; values of known keys are judged
  kDisabled,    // as Nova before 2.86: all pass
};

// "strict", "permissive", "disabled".
std::optional<Validation> ParseValidation(std::string_view text);

struct Finding {
  Status status;         // OK, or what is odd
  bool refused = false;  // else it is let pass
};
Finding Inspect(std::string_view key, std::string_view value, Validation validation);

// Takes what is odd and let pass; gets at most kMostWarnings.
using Warn = std::function<void(const Status&)>;
inline constexpr int kMostWarnings = 16;

// The first refusal, in the order of the keys. `warn` may be empty.
Status Validate(const model::ExtraSpecs& specs, Validation validation, const Warn& warn = {});

}  // namespace kilonova::flavors::extra_specs
