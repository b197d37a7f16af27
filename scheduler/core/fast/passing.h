// SPDX-License-Identifier: Apache-2.0
// What room hosts need, and which columns of a row of a block reach an amount, a bit each.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace kilonova::scheduler::core::fast {

// How much a host that passes has at least.
struct Need {
  std::size_t row = 0;  // of the rooms
  std::int32_t amount = 0;
  friend bool operator==(const Need&, const Need&) = default;
};

template <std::size_t kColumns>
std::uint32_t AtLeast(const std::int32_t* row, std::int32_t amount) {
  static_assert(kColumns % 4 == 0 && kColumns <= 32);
  std::uint32_t below = 0;
#if defined(__SSE2__)
  const __m128i amounts = _mm_set1_epi32(amount);
  for (std::size_t i = 0; i < kColumns; i += 4) {
    __m128i four;
    __builtin_memcpy(&four, row + i, sizeof(four));
    const __m128i less = _mm_cmplt_epi32(four, amounts);
    below |= static_cast<std::uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(less))) << i;
  }
#else
  for (std::size_t i = 0; i < kColumns; ++i) below |= (row[i] < amount ? 1U : 0U) << i;
#endif
  return ~below;
}

}  // namespace kilonova::scheduler::core::fast
