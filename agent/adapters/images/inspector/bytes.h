// SPDX-License-Identifier: Apache-2.0
// Reading integers out of the bytes of a file. Bytes that are absent read as zero, so a cut header
// is judged like the one a reader with a zeroed buffer would see.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace kilonova::agent::adapters::images {

class Bytes {
 public:
  explicit Bytes(std::string_view data) : data_(data) {}

  std::uint8_t U8(std::uint64_t at) const {
    return at < data_.size() ? static_cast<std::uint8_t>(data_[at]) : std::uint8_t{0};
  }
  std::uint16_t Le16(std::uint64_t at) const { return static_cast<std::uint16_t>(Le(at, 2)); }
  std::uint32_t Le32(std::uint64_t at) const { return static_cast<std::uint32_t>(Le(at, 4)); }
  std::uint64_t Le64(std::uint64_t at) const { return Le(at, 8); }
  std::uint16_t Be16(std::uint64_t at) const { return static_cast<std::uint16_t>(Be(at, 2)); }
  std::uint32_t Be32(std::uint64_t at) const { return static_cast<std::uint32_t>(Be(at, 4)); }
  std::uint64_t Be64(std::uint64_t at) const { return Be(at, 8); }

  bool Has(std::uint64_t at, std::string_view text) const {
    return at <= data_.size() && data_.substr(at, text.size()) == text;
  }
  // `count` bytes from `at`, fewer where the data ends.
  std::string_view Slice(std::uint64_t at, std::uint64_t count) const {
    return at < data_.size() ? data_.substr(at, count) : std::string_view{};
  }
  bool AllZero(std::uint64_t at, std::uint64_t count) const {
    return Slice(at, count).find_first_not_of('\0') == std::string_view::npos;
  }
  std::uint64_t size() const { return data_.size(); }

 private:
  std::uint64_t Le(std::uint64_t at, unsigned width) const {
    std::uint64_t value = 0;
    for (unsigned i = width; i-- > 0;) value = (value << 8) | U8(at + i);
    return value;
  }
  std::uint64_t Be(std::uint64_t at, unsigned width) const {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) value = (value << 8) | U8(at + i);
    return value;
  }

  std::string_view data_;
};

inline constexpr std::uint64_t kMaxOffset = std::numeric_limits<std::int64_t>::max();

// Sums and products that stick at the top instead of wrapping.
inline std::uint64_t SaturatingAdd(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}
inline std::uint64_t SaturatingMul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max()
                                                : product;
}
inline std::uint64_t DivideUp(std::uint64_t a, std::uint64_t b) { return a / b + (a % b != 0); }

}  // namespace kilonova::agent::adapters::images
