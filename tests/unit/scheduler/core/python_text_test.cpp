// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/python_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kilonova::scheduler::core {
namespace {

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

}  // namespace
}  // namespace kilonova::scheduler::core
