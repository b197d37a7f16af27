// SPDX-License-Identifier: Apache-2.0
#include "common/base/ids.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

namespace kilonova {

Expected<Uuid> Uuid::Parse(std::string_view text) {
  const auto bad = [] {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 "not a lower-case uuid of the form 8-4-4-4-12");
  };
  if (text.size() != 36) return bad();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return bad();
  }
  return Uuid(std::string(text));
}

Uuid Uuid::Random() {
  std::array<std::uint8_t, 16> bytes{};
  // Ids name things that must never collide; without randomness there is no way on.
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[bytes[i] >> 4];
    text += kHex[bytes[i] & 0x0F];
  }
  return Uuid(std::move(text));
}

std::string NewRequestId() { return "req-" + Uuid::Random().str(); }

bool IsValidHostName(std::string_view name) {
  if (name.empty() || name.size() > 255 || name.front() == '.' || name.front() == '-') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace kilonova
