// SPDX-License-Identifier: Apache-2.0
#include "flavors/extra_specs/validation.h"

#include "flavors/extra_specs/registry.h"

namespace kilonova::flavors::extra_specs {

std::optional<Validation> ParseValidation(std::string_view text) {
  if (text == "strict") return Validation::kStrict;
  if (text == "permissive") return Validation::kPermissive;
  if (text == "disabled") return Validation::kDisabled;
  return std::nullopt;
}

Status Validate(const model::ExtraSpecs& specs, Validation validation, const Warn& warn) {
  if (validation == Validation::kDisabled) return OkStatus();
  int warnings = 0;
  for (const auto& [key, value] : specs) {
    const Verdict verdict = Judge(key, value);
    if (verdict.fault == Fault::kNone) continue;
    if (verdict.fault != Fault::kUnknownKey || validation == Validation::kStrict) {
      return Refusal(key, value, verdict);
    }
    if (warn && warnings++ < kMostWarnings) warn(Refusal(key, value, verdict));
  }
  return OkStatus();
}

}  // namespace kilonova::flavors::extra_specs
