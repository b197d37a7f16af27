// SPDX-License-Identifier: Apache-2.0
// A request's body before any rule has looked at it: JSON, with numbers as they were written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace kilonova::flavors::rules {

struct Value {
  enum class Kind : std::uint8_t { kNull, kBool, kInteger, kNumber, kString, kList, kMap };

  Kind kind = Kind::kNull;
  std::string text;            // the string, the number as written, "true" or "false"
  std::vector<Value> members;  // of a map or a list, in its order
  std::string name;            // as a member of a map

  bool Is(Kind wanted) const { return kind == wanted; }
  // A map's member, or null.
  const Value* Find(std::string_view wanted) const;
};

// MESSAGE_TOO_LARGE, MESSAGE_TOO_DEEP (32), MESSAGE_DUPLICATE_KEY or MESSAGE_MALFORMED. Text must
// be UTF-8; a number no double can hold is malformed.
Expected<Value> ReadJson(std::string_view text, std::size_t most_bytes = std::size_t{1} << 20);

}  // namespace kilonova::flavors::rules
