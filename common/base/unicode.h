// SPDX-License-Identifier: Apache-2.0
// UTF-8, and what Python 3.11 and Nova say of single characters (Unicode 14.0; the tables are
// written by tests/tools/unicode_tables.py).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kilonova {

// What a byte that begins no well-formed sequence reads as.
inline constexpr std::int32_t kNotUtf8 = -1;

// The code point at `at`, which must be below text.size(); moves `at` behind it, by one byte for
// kNotUtf8. Overlong forms, surrogates and what lies above U+10FFFF are not UTF-8.
std::int32_t NextCodePoint(std::string_view text, std::size_t& at);

// Python's len() of the text; a byte that is not UTF-8 counts one.
std::size_t CodePoints(std::string_view text);
bool IsUtf8(std::string_view text);

bool IsSpace(std::int32_t point);  // str.isspace(), re's \s
bool IsWord(std::int32_t point);   // re's \w: str.isalnum() or an underscore
// re's \d: the value of a decimal digit of any script.
std::optional<int> DecimalDigit(std::int32_t point);

// A character Nova takes in names and descriptions, spaces included: printable and at most U+FFFE.
bool IsNamePrintable(std::int32_t point);
bool IsNameSpace(std::int32_t point);  // those of them that are spaces

}  // namespace kilonova
