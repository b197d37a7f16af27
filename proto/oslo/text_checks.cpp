// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/text_checks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

namespace kilonova::oslo {
namespace {

bool IsLowerHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// U+00A0 to U+00FF as UTF-8, of those what Python's \w takes: Nova keeps them in host names.
bool IsLatin1Word(char lead, char trail) {
  const auto low = static_cast<unsigned char>(trail);
  if (low < 0x80 || low > 0xBF) return false;
  if (lead == '\xC3') return low != 0x97 && low != 0xB7;  // the signs for times and divided by
  return lead == '\xC2' && (low == 0xAA || low == 0xB2 || low == 0xB3 || low == 0xB5 ||
                            low == 0xB9 || low == 0xBA || (low >= 0xBC && low <= 0xBE));
}

}  // namespace

std::size_t CountCharacters(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(
      utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

bool HasControlCharacters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

bool IsMac(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % 3 == 2 ? text[i] != ':' : !IsLowerHexDigit(text[i])) return false;
  }
  const char low = text[1];  // its lowest bit marks a group address
  const int nibble = low <= '9' ? low - '0' : low - 'a' + 10;
  return (nibble & 1) == 0 && text != "00:00:00:00:00:00";
}

bool IsIpAddress(std::string_view text, int version) {
  unsigned char bytes[sizeof(in6_addr)];
  const std::string terminated(text);
  return inet_pton(version == 6 ? AF_INET6 : AF_INET, terminated.c_str(), bytes) == 1;
}

bool IsGuestHostname(std::string_view text) {
  if (text.empty() || text.size() > 255 || text.front() == '-' || text.front() == '.') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsAlnum(text[i]) || text[i] == '-' || text[i] == '.') continue;
    if (i + 1 == text.size() || !IsLatin1Word(text[i], text[i + 1])) return false;
    ++i;
  }
  return true;
}

bool IsBase64(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return IsAlnum(c) || c == '+' || c == '/' || c == '=' || c == '\n' || c == '\r';
  });
}

bool IsLowerHex(std::string_view text, std::size_t digits) {
  return text.size() == digits && std::ranges::all_of(text, IsLowerHexDigit);
}

bool IsInterfaceName(std::string_view text) {
  if (text.empty() || text.size() > 15 || text == "." || text == "..") return false;
  return std::ranges::all_of(text,
                             [](char c) { return c > ' ' && c < 0x7F && c != '/' && c != ':'; });
}

}  // namespace kilonova::oslo
