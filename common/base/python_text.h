// SPDX-License-Identifier: Apache-2.0
// Text as Python reads it. Nova's rules lean on str.split(), str.strip(), float() and str(); to
// decide as Nova does one must read as Python does, oddities included. Input is UTF-8; bytes that
// are not UTF-8 count as ordinary characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kilonova {

// str.strip(): Unicode white space off both ends.
std::string_view PyStrip(std::string_view text);
// str.split(): words between runs of Unicode white space.
std::vector<std::string_view> PySplit(std::string_view text);
// str.split(','): always one piece at least.
std::vector<std::string_view> PySplitComma(std::string_view text);
// float(): surrounding space, "1_000", "inf", "nan" and Unicode digits are fine, "0x4" is not.
std::optional<double> PyFloat(std::string_view text);
// int() of a text: surrounding space, a sign, "1_000" and Unicode digits are fine. What does not
// fit is the nearest number that does; more than 4300 digits are no number.
std::optional<std::int64_t> PyInt(std::string_view text);
// str.isdigit(), but for superscripts and other digits that are no decimals: at least one character
// and decimal digits only.
bool PyIsDigit(std::string_view text);
// oslo's bool_from_string(): 1, t, true, on, y and yes in any case are true, all else is false.
bool PyBool(std::string_view text);
// The same with strict=True: 0, f, false, off, n and no are false, all else is neither.
std::optional<bool> PyStrictBool(std::string_view text);
// repr() of a float: "16.0", "1e+16", "nan".
std::string PyRepr(double value);
// repr() of a str: quotes chosen and characters escaped as Python does.
std::string PyRepr(std::string_view text);

}  // namespace kilonova
