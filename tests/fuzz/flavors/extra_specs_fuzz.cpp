// SPDX-License-Identifier: Apache-2.0
// Any key and value get a judgement; a refusal is short, printable and names what would be taken.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/unicode.h"
#include "flavors/extra_specs/registry.h"
#include "flavors/extra_specs/validation.h"

namespace {

using namespace kilonova::flavors::extra_specs;  // NOLINT(google-build-using-namespace)

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckRefusal(std::string_view key, std::string_view value, const Verdict& verdict) {
  const kilonova::Status refusal = Refusal(key, value, verdict);
  Require(!refusal.ok());
  const std::string message = kilonova::Message(refusal);
  Require(!message.empty() && message.size() < 2048 && kilonova::IsUtf8(message));
  const auto details = kilonova::DetailsOf(refusal);
  const auto nearest = details.find("nearest");
  if (nearest != details.end()) {
    Require(Find(nearest->second) != nullptr && nearest->second != key);
  }
}

}  // namespace

// The first byte says how long the key is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string_view key = text.substr(0, data[0]);
  const std::string_view value = text.substr(key.size());
  const Verdict verdict = Judge(key, value);
  Require(verdict.spec == Find(key));
  Require((verdict.fault == Fault::kUnknownKey) <= (verdict.spec == nullptr));
  const bool passes = verdict.fault == Fault::kNone;
  Require(Inspect(key, value, Validation::kStrict).refused == !passes);
  Require(!Inspect(key, value, Validation::kDisabled).refused);
  if (!passes) CheckRefusal(key, value, verdict);
  return 0;
}
