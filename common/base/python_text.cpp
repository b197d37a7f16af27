// SPDX-License-Identifier: Apache-2.0
#include "common/base/python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <limits>

namespace kilonova {
namespace {

struct CodePoint {
  char32_t value;
  std::size_t bytes;
};

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

// The code point at the front of a text that is not empty; a byte that begins none stands alone.
CodePoint Front(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80U              ? 1
                             : (lead & 0xE0U) == 0xC0U ? 2
                             : (lead & 0xF0U) == 0xE0U ? 3
                             : (lead & 0xF8U) == 0xF0U ? 4
                                                       : 1;
  if (length == 1 || length > text.size()) return {lead, 1};
  char32_t value = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return {lead, 1};
    value = (value << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  return {value, length};
}

// What str.isspace() says.
bool IsSpace(CodePoint point) {
  const char32_t c = point.value;
  if (point.bytes == 1) return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// The zero of every run of ten decimal digits in Unicode 14.
constexpr std::array<char32_t, 66> kZeros = {
    0x30,    0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,
    0xC66,   0xCE6,   0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,
    0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,
    0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0,
    0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2,
    0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0};

std::optional<char> DigitOf(char32_t c) {
  const auto next = std::upper_bound(kZeros.begin(), kZeros.end(), c);
  if (next == kZeros.begin() || c - *std::prev(next) > 9) return std::nullopt;
  return static_cast<char>('0' + static_cast<int>(c - *std::prev(next)));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// `text` in ASCII with underscores between digits gone; nothing if it has what no number has.
std::optional<std::string> PlainNumber(std::string_view text) {
  std::string ascii;
  while (!text.empty()) {
    const CodePoint point = Front(text);
    text.remove_prefix(point.bytes);
    if (point.bytes == 1) {
      ascii += static_cast<char>(point.value);
    } else if (const auto digit = DigitOf(point.value)) {
      ascii += *digit;
    } else {
      return std::nullopt;
    }
  }
  std::string plain;
  for (std::size_t i = 0; i < ascii.size(); ++i) {
    if (ascii[i] != '_') {
      plain += ascii[i];
    } else if (i == 0 || i + 1 == ascii.size() || !IsDigit(ascii[i - 1]) ||
               !IsDigit(ascii[i + 1])) {
      return std::nullopt;
    }
  }
  return plain;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// What repr() leaves as it is, as far as any host name or CPU flag goes: all but controls,
// separators other than the space, surrogates and private use.
bool IsPrintable(char32_t c) {
  if (c < 0x20 || c == 0x7F || (c >= 0x80 && c <= 0xA0) || c == 0xAD) return false;
  if (c == 0x1680 || (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F)) return false;
  if ((c >= 0x205F && c <= 0x206F) || c == 0x3000 || c == 0xFEFF) return false;
  return c < 0xD800 || (c > 0xF8FF && c < 0xE0000);
}

void AppendHex(std::string& out, char32_t value, int digits) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    out += kHex[(value >> static_cast<unsigned>(shift)) & 0xFU];
  }
}

void AppendEscaped(std::string& out, char32_t c) {
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (c <= 0xFF) {
    out += "\\x";
    AppendHex(out, c, 2);
  } else if (c <= 0xFFFF) {
    out += "\\u";
    AppendHex(out, c, 4);
  } else {
    out += "\\U";
    AppendHex(out, c, 8);
  }
}

}  // namespace

std::string_view PyStrip(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = Front(text);
    if (!IsSpace(point)) break;
    text.remove_prefix(point.bytes);
  }
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 && IsContinuation(text[start])) --start;
    const CodePoint point = Front(text.substr(start));
    if (start + point.bytes != text.size() || !IsSpace(point)) break;
    text.remove_suffix(point.bytes);
  }
  return text;
}

std::vector<std::string_view> PySplit(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t start = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const CodePoint point = Front(text.substr(at));
    if (IsSpace(point)) {
      if (at > start) words.push_back(text.substr(start, at - start));
      start = at + point.bytes;
    }
    at += point.bytes;
  }
  if (at > start) words.push_back(text.substr(start, at - start));
  return words;
}

std::vector<std::string_view> PySplitComma(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t comma = text.find(',');
    pieces.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return pieces;
    text.remove_prefix(comma + 1);
  }
}

std::optional<double> PyFloat(std::string_view text) {
  const auto plain = PlainNumber(PyStrip(text));
  if (!plain || plain->empty()) return std::nullopt;
  std::string_view number = *plain;
  const bool negative = number.front() == '-';
  if (negative || number.front() == '+') number.remove_prefix(1);
  const double sign = negative ? -1.0 : 1.0;
  const std::string lower = Lower(number);
  if (lower == "inf" || lower == "infinity") return sign * std::numeric_limits<double>::infinity();
  if (lower == "nan") return std::numeric_limits<double>::quiet_NaN();
  // Only digits, '.', 'e' and signs from here on; from_chars would take "nan(x)" as well.
  if (number.empty() || !(IsDigit(number.front()) || number.front() == '.')) return std::nullopt;
  double value = 0;
  const char* end = number.data() + number.size();
  const auto [rest, error] = std::from_chars(number.data(), end, value);
  if (rest != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // Python gives what strtod gives: zero for the too small, infinity for the too big.
    value = std::strtod(lower.c_str(), nullptr);
  }
  return sign * value;
}

std::optional<std::int64_t> PyInt(std::string_view text) {
  const auto plain = PlainNumber(PyStrip(text));
  if (!plain || plain->empty()) return std::nullopt;
  std::string_view number = *plain;
  const bool negative = number.front() == '-';
  if (negative || number.front() == '+') number.remove_prefix(1);
  if (number.empty() || !std::ranges::all_of(number, IsDigit)) return std::nullopt;
  std::int64_t value = 0;
  const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  static_cast<void>(rest);  // only digits: all of them are read
  if (error == std::errc::result_out_of_range) value = std::numeric_limits<std::int64_t>::max();
  return negative ? -value : value;
}

bool PyIsDigit(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const CodePoint point = Front(text);
    if (!DigitOf(point.value)) return false;
    text.remove_prefix(point.bytes);
  }
  return true;
}

bool PyBool(std::string_view text) {
  const std::string lower = Lower(PyStrip(text));
  for (const std::string_view yes : {"1", "t", "true", "on", "y", "yes"}) {
    if (lower == yes) return true;
  }
  return false;
}

std::string PyRepr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 64> buffer{};
  const double magnitude = std::fabs(value);
  const bool scientific = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16);
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                    scientific ? std::chars_format::scientific : std::chars_format::fixed);
  static_cast<void>(error);  // 64 characters hold every double below 1e16
  std::string text(buffer.data(), end);
  if (!scientific && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string PyRepr(std::string_view text) {
  const bool double_quotes =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = double_quotes ? '"' : '\'';
  std::string out(1, quote);
  while (!text.empty()) {
    const CodePoint point = Front(text);
    if (point.value == static_cast<unsigned char>(quote) || point.value == '\\') {
      out += '\\';
      out += static_cast<char>(point.value);
    } else if (IsPrintable(point.value)) {
      out += text.substr(0, point.bytes);
    } else {
      AppendEscaped(out, point.value);
    }
    text.remove_prefix(point.bytes);
  }
  out += quote;
  return out;
}

}  // namespace kilonova
