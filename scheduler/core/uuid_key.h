// SPDX-License-Identifier: Apache-2.0
// A uuid in 16 bytes: a million claims should not each pay for a string.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace kilonova::scheduler::core {

struct UuidKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const UuidKey&, const UuidKey&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const UuidKey& key) {
    return H::combine(std::move(state), key.high, key.low);
  }
};

// `uuid` is not empty.
inline UuidKey KeyOf(const Uuid& uuid) {
  UuidKey key;
  int digits = 0;
  for (const char c : uuid.str()) {
    if (c == '-') continue;
    const int value = c <= '9' ? c - '0' : c - 'a' + 10;
    std::uint64_t& half = digits < 16 ? key.high : key.low;
    half = half << 4U | static_cast<std::uint64_t>(value);
    ++digits;
  }
  return key;
}

// The uuid `key` was made of.
inline Uuid UuidOf(const UuidKey& key) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) text += '-';
    const std::uint64_t half = digit < 16 ? key.high : key.low;
    text += kHex[half >> (60 - 4 * (digit % 16)) & 0xFU];
  }
  return Uuid::Parse(text).value();
}

}  // namespace kilonova::scheduler::core
