// SPDX-License-Identifier: Apache-2.0
// Any text is the body of a request for a flavor that may be stored, or has a violation.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "flavors/loader/loader.h"
#include "flavors/rules/body.h"

namespace {

namespace rules = kilonova::flavors::rules;

void CheckVersion(const rules::Value& body, rules::Microversion version) {
  rules::NewFlavor made;
  if (const auto wrong = rules::JudgeCreate(body, version, &made)) {
    if (wrong->must.empty() || kilonova::Message(rules::ToStatus(*wrong)).empty()) std::abort();
    return;
  }
  const auto& flavor = made.flavor;
  if (flavor.name.empty() || flavor.vcpus < 1 || flavor.memory_mb < 1 || flavor.root_gb < 0 ||
      flavor.swap_mb < 0 || flavor.ephemeral_gb < 0 || !(flavor.rxtx_factor > 0)) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = rules::ReadJson(text);
  if (!body.ok()) return 0;
  for (const auto version : {rules::Microversion::kLegacy, rules::Microversion::k2_0,
                             rules::Microversion::k2_1, rules::Microversion::k2_55}) {
    CheckVersion(*body, version);
  }
  kilonova::model::ExtraSpecs specs;
  rules::JudgeExtraSpecs(*body, &specs);
  const auto flavor = kilonova::flavors::ParseNovaFlavor(text, "fuzz.json");
  if (flavor.ok() && !flavor->flavorid.empty() && !kilonova::model::ValidateFlavor(*flavor).ok()) {
    std::abort();
  }
  return 0;
}
