// SPDX-License-Identifier: Apache-2.0
#include "flavors/rules/value.h"

#include <gtest/gtest.h>

namespace kilonova::flavors::rules {
namespace {

std::string ReasonFor(std::string_view text) {
  const auto value = ReadJson(text);
  return value.ok() ? "" : ReasonOf(value.status());
}

TEST(ReadJson, KeepsNumbersAsTheyAreWritten) {
  const auto value = ReadJson(
      R"({"a": 999999999999999999999999999999, "b": 1.50, "c": -0, "d": [true, null, "x"]})");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->Find("a")->text, "999999999999999999999999999999");
  EXPECT_EQ(value->Find("a")->kind, Value::Kind::kInteger);
  EXPECT_EQ(value->Find("b")->text, "1.50");
  EXPECT_EQ(value->Find("b")->kind, Value::Kind::kNumber);
  EXPECT_EQ(value->Find("c")->kind, Value::Kind::kInteger);
  EXPECT_EQ(value->Find("d")->members.size(), 3U);
  EXPECT_EQ(value->Find("d")->members[2].text, "x");
  EXPECT_EQ(value->Find("e"), nullptr);
}

TEST(ReadJson, BoundsWhatItTakes) {
  EXPECT_EQ(ReasonFor(std::string(2'000'000, ' ')), "MESSAGE_TOO_LARGE");
  EXPECT_EQ(ReasonFor(std::string(500'000, '[')), "MESSAGE_TOO_DEEP");
  EXPECT_EQ(ReasonFor(R"({"a": {"b": 1, "b": 2}})"), "MESSAGE_DUPLICATE_KEY");
  for (const auto* text :
       {"", "{", "{\"a\"}", "nul", "1e999", "NaN", "{\"a\": \"\xFF\"}", R"("\ud800")", "{} x"}) {
    EXPECT_EQ(ReasonFor(text), "MESSAGE_MALFORMED") << text;
  }
  EXPECT_EQ(ReasonFor(R"({"a": {"b": 1}, "c": {"b": 2}})"), "");
}

}  // namespace
}  // namespace kilonova::flavors::rules
