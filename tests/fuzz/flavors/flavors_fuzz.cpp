// SPDX-License-Identifier: Apache-2.0
// Any text is either a list of valid flavors or a clear error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "flavors/loader/loader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto flavors = kilonova::flavors::ParseFlavors(text, "fuzz.yaml");
  if (flavors.ok()) {
    for (const auto& flavor : *flavors) {
      if (!kilonova::model::ValidateFlavor(flavor).ok()) std::abort();
    }
  } else if (kilonova::Message(flavors.status()).empty()) {
    std::abort();
  }
  return 0;
}
