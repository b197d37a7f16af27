// SPDX-License-Identifier: Apache-2.0
#include "common/base/python_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace kilonova {
namespace {

using std::string_view_literals::operator""sv;

TEST(PythonText, Float_ReadsWhatPythonReads) {
  const std::pair<const char*, double> good[] = {{"4", 4},
                                                 {" 4.5\t", 4.5},
                                                 {"1_000", 1000},
                                                 {"1e1", 10},
                                                 {"+.5", 0.5},
                                                 {"5.", 5},
                                                 {"-0", -0.0},
                                                 {"1E-2", 0.01},
                                                 {"٤٢", 42},
                                                 {"\u00a07\u2003", 7},
                                                 {"1e400", INFINITY},
                                                 {"-1e400", -INFINITY},
                                                 {"1e-400", 0},
                                                 {"Infinity", INFINITY},
                                                 {"-iNf", -INFINITY}};
  for (const auto& [text, value] : good) {
    const auto got = PyFloat(text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, value) << text;
  }
  EXPECT_TRUE(std::isnan(PyFloat("NaN").value_or(0)));
  for (const char* text : {"", " ", "0x4", "1__0", "_1", "1_", "1_.5", "--1", "+-1", "1 2", "e5",
                           ".", "nan(1)", "infin", "4,5", "é"}) {
    EXPECT_FALSE(PyFloat(text)) << text;
  }
}

TEST(PythonText, Int_ReadsWhatPythonReads) {
  const std::pair<const char*, std::int64_t> good[] = {{"4", 4},
                                                       {" 4\n", 4},
                                                       {"+1", 1},
                                                       {"-7", -7},
                                                       {"00", 0},
                                                       {"1_0", 10},
                                                       {"\u0661", 1},
                                                       {"99999999999999999999", INT64_MAX},
                                                       {"-99999999999999999999", INT64_MIN}};
  for (const auto& [text, value] : good) EXPECT_EQ(PyInt(text), value) << text;
  for (const char* text :
       {"", " ", "x", "1.0", "1e3", "--1", "+-1", "+", "1_", "_1", "1__0", "0x4", "inf", "1 2"}) {
    EXPECT_EQ(PyInt(text), std::nullopt) << text;
  }
}

TEST(PythonText, IsDigit_WantsDecimalsOnly) {
  for (const char* text : {"0", "2048", "\u0661\u0662"}) EXPECT_TRUE(PyIsDigit(text)) << text;
  for (const char* text : {"", "-1", " 1", "1.5", "2MB"}) EXPECT_FALSE(PyIsDigit(text)) << text;
}

TEST(PythonText, Bool_IsTrueForOslosWordsOnly) {
  for (const char* text : {"1", "t", "True", " ON ", "y", "YES"}) EXPECT_TRUE(PyBool(text)) << text;
  for (const char* text : {"", "0", "no", "2", "yess", "None"}) EXPECT_FALSE(PyBool(text)) << text;
}

TEST(PythonText, Split_KnowsUnicodeSpace) {
  EXPECT_EQ(PySplit(" a\u3000b\x1c"
                    "c\n"),
            (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_TRUE(PySplit(" \t\u2028").empty());
  EXPECT_EQ(PyStrip("\u2003x y\u00a0 "), "x y");
  EXPECT_EQ(PyStrip("é"), "é");
  EXPECT_EQ(PySplitComma("a,,b"), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(PySplitComma(""), (std::vector<std::string_view>{""}));
}

TEST(PythonText, Repr_PrintsAsPython) {
  EXPECT_EQ(PyRepr(16.0), "16.0");
  EXPECT_EQ(PyRepr(0.1), "0.1");
  EXPECT_EQ(PyRepr(1e16), "1e+16");
  EXPECT_EQ(PyRepr(1e15), "1000000000000000.0");
  EXPECT_EQ(PyRepr(0.0001), "0.0001");
  EXPECT_EQ(PyRepr(0.00001), "1e-05");
  EXPECT_EQ(PyRepr(std::string_view("it's")), "\"it's\"");
  EXPECT_EQ(PyRepr(std::string_view("a\\\n\x01")), "'a\\\\\\n\\x01'");
  EXPECT_EQ(PyRepr(std::string_view("été")), "'été'");
}

// Bytes that are no UTF-8 must neither crash nor vanish.
TEST(PythonText, BrokenUtf8IsOrdinaryText) {
  EXPECT_EQ(PySplit("a\xff b\xc3"), (std::vector<std::string_view>{"a\xff", "b\xc3"}));
  EXPECT_FALSE(PyFloat("\xc3"));
  EXPECT_EQ(PyStrip("\x80\x80"), "\x80\x80");
}

TEST(PythonText, Int_RefusesWhatPythonRefuses) {
  EXPECT_EQ(PyInt("0"), 0);
  EXPECT_EQ(PyInt(" \t-12\n"), -12);
  EXPECT_EQ(PyInt("+1_000"), 1000);
  EXPECT_EQ(PyInt("007"), 7);
  EXPECT_EQ(PyInt("\xE3\x80\x80\xD9\xA3_\xEF\xBC\x94\xC2\x85"), 34);
  for (const auto text : {""sv, " "sv, "-"sv, "+-1"sv, "- 1"sv, "_1"sv, "1_"sv, "1__0"sv, "1 2"sv,
                          "0x10"sv, "1.0"sv, "1e3"sv,
                          "\x1C"
                          "1"sv,
                          "1\0"sv, "\xC2\xB2"sv, "1\xE2\x80\x8B"sv, "1\xFF"sv}) {
    EXPECT_EQ(PyInt(text), std::nullopt) << text;
  }
}

TEST(PythonText, Int_SaturatesAndEndsAt4300Digits) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(PyInt("9223372036854775807"), kMost);
  EXPECT_EQ(PyInt("9223372036854775806"), kMost - 1);
  EXPECT_EQ(PyInt("9223372036854775808"), kMost);
  EXPECT_EQ(PyInt("-9223372036854775808"), -kMost - 1);
  EXPECT_EQ(PyInt("-9223372036854775809"), -kMost - 1);
  EXPECT_EQ(PyInt(std::string(4300, '9')), kMost);
  EXPECT_EQ(PyInt(std::string(4301, '0')), std::nullopt);
  EXPECT_EQ(PyInt(std::string(1'000'000, ' ') + "1"), 1);
}

TEST(PythonText, StrictBool_ReadsOslosWords) {
  for (const auto* text : {"1", "t", "TRUE", "On", "y", " yes\xC2\xA0", "\x1Ctrue"}) {
    EXPECT_EQ(PyStrictBool(text), true) << text;
  }
  for (const auto* text : {"0", "F", "false", "oFf", "n", "no\n"})
    EXPECT_EQ(PyStrictBool(text), false);
  for (const auto text : {""sv, "2"sv, "yess"sv, "None"sv, "tr ue"sv, "true\0"sv, "falsefalse"sv}) {
    EXPECT_EQ(PyStrictBool(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace kilonova
