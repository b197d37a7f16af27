// SPDX-License-Identifier: Apache-2.0
#include "common/base/python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "common/base/unicode.h"

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

// A byte that stands alone is no character of Latin-1.
bool IsSpace(CodePoint point) {
  return (point.bytes > 1 || point.value < 0x80U) &&
         kilonova::IsSpace(static_cast<std::int32_t>(point.value));
}

std::optional<char> DigitOf(char32_t c) {
  const auto digit = DecimalDigit(static_cast<std::int32_t>(c));
  if (!digit) return std::nullopt;
  return static_cast<char>('0' + *digit);
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

constexpr std::int32_t kEnd = -2;
constexpr int kMostDigits = 4300;  // sys.int_info.default_max_str_digits

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { Advance(); }
  std::int32_t point() const { return point_; }
  void Advance() { point_ = at_ < text_.size() ? NextCodePoint(text_, at_) : kEnd; }
  // int() takes less for space than str.strip() does: not U+001C to U+001F.
  void SkipSpace() {
    while (kilonova::IsSpace(point_) && (point_ < 0x1C || point_ > 0x1F)) Advance();
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::int32_t point_ = kEnd;
};

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
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  Reader in(text);
  in.SkipSpace();
  const bool negative = in.point() == '-';
  if (negative || in.point() == '+') in.Advance();
  std::int64_t value = 0;  // kept negative: that side is longer by one
  int digits = 0;
  bool after_digit = false;
  for (;; in.Advance()) {
    if (const auto digit = DecimalDigit(in.point())) {
      if (++digits > kMostDigits) return std::nullopt;
      value = value < (-kMost - 1 + *digit) / 10 ? -kMost - 1 : value * 10 - *digit;
      after_digit = true;
    } else if (in.point() == '_' && after_digit) {
      after_digit = false;
    } else {
      break;
    }
  }
  if (!after_digit) return std::nullopt;
  in.SkipSpace();
  if (in.point() != kEnd) return std::nullopt;
  if (negative) return value;
  return value < -kMost ? kMost : -value;
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

std::optional<bool> PyStrictBool(std::string_view text) {
  static constexpr std::array<std::string_view, 6> kTrue{"1", "t", "true", "on", "y", "yes"};
  static constexpr std::array<std::string_view, 6> kFalse{"0", "f", "false", "off", "n", "no"};
  const std::string_view word = PyStrip(text);
  if (word.size() > 5) return std::nullopt;
  // No letter outside ASCII has one of these words' letters for its lower case.
  const std::string lower = Lower(word);
  if (std::ranges::find(kTrue, lower) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, lower) != kFalse.end()) return false;
  return std::nullopt;
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
