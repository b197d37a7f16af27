// SPDX-License-Identifier: Apache-2.0
#include "common/base/unicode.h"

#include <algorithm>
#include <array>

namespace kilonova {
namespace {

struct Range {
  std::int32_t first, last;
};

#include "common/base/unicode_tables.inc"

template <std::size_t kSize>
const Range* Find(const std::array<Range, kSize>& ranges, std::int32_t point) {
  const auto* after = std::ranges::upper_bound(ranges, point, {}, &Range::first);
  if (after == ranges.begin()) return nullptr;
  const Range* range = after - 1;
  return point <= range->last ? range : nullptr;
}

}  // namespace

std::int32_t NextCodePoint(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80U) return lead;
  const std::size_t more = lead >= 0xF0U ? 3 : lead >= 0xE0U ? 2 : 1;
  if (lead < 0xC2U || lead > 0xF4U || text.size() - at < more) return kNotUtf8;
  auto point = static_cast<std::int32_t>(lead & (0x3FU >> more));
  for (std::size_t i = 0; i < more; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + i]);
    if ((byte & 0xC0U) != 0x80U) return kNotUtf8;
    point = point * 64 + static_cast<std::int32_t>(byte & 0x3FU);
  }
  static constexpr std::array<std::int32_t, 4> kLeast{0, 0x80, 0x800, 0x10000};
  if (point < kLeast[more] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
    return kNotUtf8;
  }
  at += more;
  return point;
}

std::size_t CodePoints(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) NextCodePoint(text, at);
  return count;
}

bool IsUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (NextCodePoint(text, at) == kNotUtf8) return false;
  }
  return true;
}

bool IsSpace(std::int32_t point) { return Find(kSpaces, point) != nullptr; }

bool IsWord(std::int32_t point) { return point == '_' || Find(kAlnum, point) != nullptr; }

std::optional<int> DecimalDigit(std::int32_t point) {
  const Range* range = Find(kDecimals, point);
  if (range == nullptr) return std::nullopt;
  return (point - range->first) % 10;
}

bool IsNamePrintable(std::int32_t point) { return Find(kNamePrintable, point) != nullptr; }

bool IsNameSpace(std::int32_t point) { return Find(kNameSpaces, point) != nullptr; }

}  // namespace kilonova
