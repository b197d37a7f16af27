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

}  // namespace kilonova::scheduler::core
