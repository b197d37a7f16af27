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

Finding Inspect(std::string_view key, std::string_view value, Validation validation) {
  if (validation == Validation::kDisabled) return {};
  const Verdict verdict = Judge(key, value);
  if (verdict.fault == Fault::kNone) return {};
  const bool stranger = verdict.fault == Fault::kUnknownKey;
  return {Refusal(key, value, verdict), !stranger || validation == Validation::kStrict};
}

Status Validate(const model::ExtraSpecs& specs, Validation validation, const Warn& warn) {
  int warnings = 0;
  for (const auto& [key, value] : specs) {
    // Saying what is odd costs more than seeing that something is.
    if (warnings == kMostWarnings && Judge(key, value).fault == Fault::kUnknownKey) continue;
    const Finding finding = Inspect(key, value, validation);
    if (finding.refused) return finding.status;
    if (finding.status.ok()) continue;
    ++warnings;
    if (warn) warn(finding.status);
  }
  return OkStatus();
}

}  // namespace kilonova::flavors::extra_specs
