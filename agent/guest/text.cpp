// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/text.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <cstdint>

namespace kilonova::agent::guest {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::uint32_t kBad = 0xFFFFFFFF;

std::uint8_t Byte(char c) { return static_cast<std::uint8_t>(c); }

// Decodes one code point at the start of `text` and sets how many bytes it took (1 when bad).
std::uint32_t Decode(std::string_view text, std::size_t& length) {
  length = 1;
  const std::uint32_t first = Byte(text[0]);
  if (first < 0x80) return first;
  std::size_t more = 0;
  std::uint32_t code = 0;
  std::uint32_t least = 0;
  if ((first & 0xE0) == 0xC0) {
    more = 1, code = first & 0x1F, least = 0x80;
  } else if ((first & 0xF0) == 0xE0) {
    more = 2, code = first & 0x0F, least = 0x800;
  } else if ((first & 0xF8) == 0xF0) {
    more = 3, code = first & 0x07, least = 0x10000;
  } else {
    return kBad;
  }
  if (text.size() <= more) return kBad;
  for (std::size_t i = 1; i <= more; ++i) {
    if ((Byte(text[i]) & 0xC0) != 0x80) return kBad;
    code = (code << 6) | (Byte(text[i]) & 0x3F);
  }
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return kBad;
  length = more + 1;
  return code;
}

bool IsPrintable(std::uint32_t code) {
  if (code == kBad || code < 0x20 || (code >= 0x7F && code <= 0x9F)) return false;
  // U+2028/9 are line ends to some readers of logs; XML keeps them.
  return code != 0xFFFE && code != 0xFFFF;
}

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = 1;
    const std::uint32_t code = Decode(text, length);
    out += IsPrintable(code) ? text.substr(0, length) : kReplacement;
    text.remove_prefix(length);
  }
  return out;
}

bool IsPrintable(std::string_view text) {
  while (!text.empty()) {
    std::size_t length = 1;
    if (!IsPrintable(Decode(text, length))) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool HasWord(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  absl::AsciiStrToLower(&lower);
  return lower;
}

Status RequirePrintable(std::string_view text, std::string_view field) {
  if (IsPrintable(text)) return OkStatus();
  return Error(Code::kInvalidArgument, reason::kInvalidArgument,
               std::string(field) + " has control characters or is not UTF-8",
               {{"field", std::string(field)}});
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    std::size_t length = 1;
    if (Decode(text, length) == kBad) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int digits = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const auto at = kAlphabet.find(c);
    if (at == std::string_view::npos || padding > 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(at);
    if (++digits == 4) {
      out += static_cast<char>(bits >> 16);
      out += static_cast<char>(bits >> 8);
      out += static_cast<char>(bits);
      bits = 0, digits = 0;
    }
  }
  if (digits == 0 && padding == 0) return out;
  if (digits == 2 && padding == 2) {
    out += static_cast<char>(bits >> 4);
    return out;
  }
  if (digits == 3 && padding == 1) {
    out += static_cast<char>(bits >> 10);
    out += static_cast<char>(bits >> 2);
    return out;
  }
  return std::nullopt;
}

std::string EncodeBase64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = static_cast<std::uint32_t>(Byte(bytes[i])) << 16;
    if (i + 1 < bytes.size()) bits |= static_cast<std::uint32_t>(Byte(bytes[i + 1])) << 8;
    if (i + 2 < bytes.size()) bits |= Byte(bytes[i + 2]);
    out += kAlphabet[bits >> 18];
    out += kAlphabet[(bits >> 12) & 63];
    out += i + 1 < bytes.size() ? kAlphabet[(bits >> 6) & 63] : '=';
    out += i + 2 < bytes.size() ? kAlphabet[bits & 63] : '=';
  }
  return out;
}

}  // namespace kilonova::agent::guest
