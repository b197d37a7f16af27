// SPDX-License-Identifier: Apache-2.0
// Any bytes as a body, and as an inner message; what is taken must come out the same again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proto/oslo/decode.h"
#include "proto/oslo/envelope.h"
#include "proto/oslo/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilonova;
  using namespace kilonova::oslo;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto json = ParseJson(text); json.ok()) {
    const auto again = ParseJson(DumpJson(*json), {.bytes = std::size_t{16} << 20});
    if (!again.ok() || !(*again == *json)) std::abort();
    if (const auto message = ReadRpc(*json); message.ok()) WriteRpc(*message);
  }
  for (const bool require_ticket : {true, false}) {
    const auto direct = DecodeInner(text, {.require_ticket = require_ticket});
    if (!direct.ok() && ReasonOf(direct.status()) == reason::kInternal.name) std::abort();
    const auto sealed = DecodeComputeRequest(text, {.require_ticket = require_ticket});
    if (!sealed.ok() && ReasonOf(sealed.status()) == reason::kInternal.name) std::abort();
    // What was accepted is accepted from the journal again.
    if (sealed.ok() && !DecodeInner(sealed->inner, {.require_ticket = require_ticket}).ok()) {
      std::abort();
    }
  }
  return 0;
}
