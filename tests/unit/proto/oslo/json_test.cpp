// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace kilonova::oslo {
namespace {

std::string ReasonFor(std::string_view text, JsonLimits limits = {}) {
  const auto json = ParseJson(text, limits);
  return json.ok() ? "" : ReasonOf(json.status());
}

TEST(Json, NumbersKeepTheirForm) {
  const std::string text =
      R"([1,1.0,0,-1,1e5,1.50,9223372036854775807,18446744073709551615,-9223372036854775808])";
  EXPECT_EQ(DumpJson(ParseJson(text).value()), text);
}

TEST(Json, IntegersBeyond64BitsAreRefused) {
  EXPECT_EQ(ReasonFor("18446744073709551616"), "MESSAGE_MALFORMED");
  EXPECT_EQ(ReasonFor("-9223372036854775809"), "MESSAGE_MALFORMED");
}

TEST(Json, NumbersThatAreNoneAreRefused) {
  for (const char* text : {"NaN", "[Infinity]", "-Infinity", "1e309", "-1e309", "01", "+1", ".5"}) {
    EXPECT_EQ(ReasonFor(text), "MESSAGE_MALFORMED") << text;
  }
}

TEST(Json, MembersKeepTheirOrder) {
  const std::string text = R"({"z":1,"a":[{}],"m":{"b":null,"a":true}})";
  EXPECT_EQ(DumpJson(ParseJson(text).value()), text);
}

TEST(Json, TextIsEscapedAndReadBack) {
  std::string text = "quote\" back\\ line\n tab\t bell\x07 del\x7f e\xC3\xA9 euro\xE2\x82\xAC";
  text += " smile\xF0\x9F\x98\x80";
  const std::string dumped = DumpJson(Json(text));
  EXPECT_NE(dumped.find("\\ud83d\\ude00"), std::string::npos);
  EXPECT_EQ(*ParseJson(dumped).value().AsString(), text);
}

TEST(Json, BadUtf8IsRefusedAndNeverWritten) {
  for (const char* text : {"\"\xFF\"", "\"\xC0\xAF\"", "\"\xED\xA0\x80\"", "\"\\ud800\"",
                           "\"\xF4\x90\x80\x80\"", "\"\xE2\x82\""}) {
    EXPECT_EQ(ReasonFor(text), "MESSAGE_MALFORMED") << text;
  }
  EXPECT_FALSE(IsCleanText("\xFF"));
  EXPECT_FALSE(IsCleanText("\xED\xA0\x80"));
  EXPECT_EQ(DumpJson(Json("a\xFFz")), "\"a\\ufffdz\"");
}

TEST(Json, NulIsRefusedInEveryForm) {
  using namespace std::string_literals;
  EXPECT_EQ(ReasonFor("{}\0"s), "MESSAGE_MALFORMED");
  EXPECT_EQ(ReasonFor("{}\0garbage"s), "MESSAGE_MALFORMED");
  EXPECT_EQ(ReasonFor("\"a\0b\""s), "MESSAGE_MALFORMED");
  EXPECT_EQ(ReasonFor(R"("a\u0000b")"), "MESSAGE_MALFORMED");
  EXPECT_EQ(ReasonFor(R"({"a\u0000b":1})"), "MESSAGE_MALFORMED");
}

TEST(Json, GarbageIsRefused) {
  for (const char* text : {"", " ", "{", "[1,", "{} {}", "{\"a\":}", "nul", "\xEF\xBB\xBF{}",
                           "{\"a\" 1}", "'a'", "// c\n1"}) {
    EXPECT_EQ(ReasonFor(text), "MESSAGE_MALFORMED") << text;
  }
}

TEST(Json, DuplicateKeysAreRefusedAtEveryLevel) {
  EXPECT_EQ(ReasonFor(R"({"a":1,"a":1})"), "MESSAGE_DUPLICATE_KEY");
  EXPECT_EQ(ReasonFor(R"([{"b":{"a":1,"c":2,"\u0061":3}}])"), "MESSAGE_DUPLICATE_KEY");
  EXPECT_EQ(ReasonFor(R"({"a":{"a":1}})"), "");
}

TEST(Json, DepthIsRefusedWhileReading) {
  EXPECT_EQ(ReasonFor(std::string(32, '[') + std::string(32, ']')), "");
  EXPECT_EQ(ReasonFor(std::string(33, '[') + std::string(33, ']')), "MESSAGE_TOO_DEEP");
  EXPECT_EQ(ReasonFor(std::string(200'000, '[')), "MESSAGE_TOO_DEEP");
}

TEST(Json, SizeAndNumberOfValuesAreBounded) {
  EXPECT_EQ(ReasonFor(std::string((1U << 20) + 1, ' ')), "MESSAGE_TOO_LARGE");
  std::string many = "[0";
  for (int i = 0; i < 100'000; ++i) many += ",0";
  EXPECT_EQ(ReasonFor(many + "]"), "MESSAGE_TOO_LARGE");
  EXPECT_EQ(ReasonFor("[0,0,0]", {.values = 4}), "");
  EXPECT_EQ(ReasonFor("[0,0,0]", {.values = 3}), "MESSAGE_TOO_LARGE");
}

TEST(Json, RefusalsDoNotQuoteTheInput) {
  const auto json = ParseJson("{\"password\": hunter2}");
  EXPECT_EQ(Describe(json.status()).find("hunter"), std::string::npos);
}

TEST(Json, EqualityIgnoresTheOrderOfMembersOnly) {
  EXPECT_EQ(ParseJson(R"({"a":1,"b":2})").value(), ParseJson(R"({"b":2,"a":1})").value());
  EXPECT_FALSE(ParseJson("[1,2]").value() == ParseJson("[2,1]").value());
  EXPECT_FALSE(ParseJson("1").value() == ParseJson("1.0").value());
}

TEST(Json, FractionsMadeHereStayFractions) {
  EXPECT_EQ(DumpJson(Json(1.0)), "1.0");
  EXPECT_EQ(DumpJson(Json(0.1)), "0.1");
  EXPECT_EQ(DumpJson(Json(1e300)), "1e+300");
  EXPECT_EQ(DumpJson(Json(std::numeric_limits<double>::infinity())), "null");
}

}  // namespace
}  // namespace kilonova::oslo
