// SPDX-License-Identifier: Apache-2.0
// What is wrong with a flavor, in the classes Nova's API tells apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/status.h"

namespace kilonova::flavors::rules {

enum class Fault : std::uint8_t {
  kType,      // a list where a number should be
  kForm,      // characters that must not be there
  kName,      // the same, of a name
  kTooShort,  // a text
  kTooLong,
  kTooSmall,  // a number
  kTooLarge,
  kNotAllowed,    // none of the words
  kMissing,       // a field that must be there
  kUnknownField,  // one that must not
};

struct Violation {
  Fault fault;
  std::string field;  // "memory_mb", or as the body calls it: "ram"; "" = the body itself
  std::string must;   // "must be 1 to 2147483647 MiB"
  // Found after the schema was passed: Nova's own code, not its JSON schema, says no.
  bool beyond_schema = false;
};

using Judgement = std::optional<Violation>;  // nullopt: nothing wrong

// INVALID_ARGUMENT / FLAVOR_INVALID with detail "field".
Status ToStatus(const Violation& violation);

}  // namespace kilonova::flavors::rules
