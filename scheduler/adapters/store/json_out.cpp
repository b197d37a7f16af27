// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/json_out.h"

#include "scheduler/core/validate.h"

namespace kilonova::scheduler::adapters {
namespace {

// What a parser would refuse the whole document for. Never happens to what was validated; a
// report's odd byte must not make a row unreadable.
std::string Repaired(std::string_view text) {
  std::string good;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length <= 4 && length <= text.size() && !core::IsUtf8(text.substr(0, length))) ++length;
    if (length > 4 || length > text.size()) {
      good += "\xEF\xBF\xBD";
      length = 1;
    } else {
      good += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return good;
}

}  // namespace

void JsonOut::Value(std::string_view text) {
  if (!core::IsUtf8(text)) {
    Value(std::string_view(Repaired(text)));
    return;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  Comma();
  text_ += '"';
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (byte < 0x20) {
      text_ += "\\u00";
      text_ += kHex[byte >> 4];
      text_ += kHex[byte & 0xF];
    } else {
      text_ += c;
    }
  }
  text_ += '"';
}

}  // namespace kilonova::scheduler::adapters
