// SPDX-License-Identifier: Apache-2.0
#include "flavors/rules/body.h"

#include <gtest/gtest.h>

namespace kilonova::flavors::rules {
namespace {

struct Outcome {
  Judgement wrong;
  NewFlavor made;
};

Outcome Create(const std::string& fields, Microversion version = Microversion::k2_55) {
  const auto body = ReadJson("{\"flavor\": {" + fields + "}}");
  EXPECT_TRUE(body.ok());
  Outcome outcome;
  outcome.wrong = JudgeCreate(*body, version, &outcome.made);
  return outcome;
}

const std::string kLeast = R"("name": "n", "ram": 1, "vcpus": 1, "disk": 0)";

TEST(CreateBody, TakesDigitsAsTextToo) {
  const auto good = Create(R"("name": "n\n", "id": "f\n", "ram": "512\n", "vcpus": "007",
      "disk": 0, "rxtx_factor": "2.50\n", "os-flavor-access:is_public": "No", "description": "")");
  ASSERT_FALSE(good.wrong) << good.wrong->field;
  EXPECT_EQ(good.made.flavor.name, "n");
  EXPECT_EQ(good.made.flavor.flavorid, "f\n");
  EXPECT_EQ(good.made.flavor.memory_mb, 512);
  EXPECT_EQ(good.made.flavor.vcpus, 7);
  EXPECT_EQ(good.made.flavor.rxtx_factor, 2.5);
  EXPECT_FALSE(good.made.flavor.is_public);
  EXPECT_TRUE(good.made.described);
}

TEST(CreateBody, IdsMayBeNumbers) {
  const auto id = [](const std::string& text) {
    return Create(kLeast + ", \"id\": " + text).made.flavor.flavorid;
  };
  EXPECT_EQ(id("12"), "12");
  EXPECT_EQ(id("-12"), "-12");
  EXPECT_EQ(id("1.50"), "1.5");
  EXPECT_EQ(id("1e22"), "1e+22");
  EXPECT_EQ(id("0"), "");
  EXPECT_EQ(id("-0"), "");
  EXPECT_EQ(id("0.0"), "");
  EXPECT_EQ(id("null"), "");
  EXPECT_EQ(Create(kLeast + ", \"id\": true").wrong->fault, Fault::kType);
}

TEST(CreateBody, VersionsDiffer) {
  const std::string spaced = R"("name": " n ", "ram": 1, "vcpus": 1, "disk": 0)";
  EXPECT_EQ(Create(spaced, Microversion::k2_0).made.flavor.name, "n");
  EXPECT_EQ(Create(spaced, Microversion::k2_1).wrong->fault, Fault::kName);
  const std::string extra = kLeast + R"(, "other": 1)";
  EXPECT_FALSE(Create(extra, Microversion::kLegacy).wrong);
  EXPECT_EQ(Create(extra, Microversion::k2_0).wrong->fault, Fault::kUnknownField);
  EXPECT_EQ(Create(extra, Microversion::k2_1).wrong->fault, Fault::kUnknownField);
  const std::string described = kLeast + R"(, "description": "d")";
  EXPECT_FALSE(Create(described, Microversion::kLegacy).made.described);
  EXPECT_EQ(Create(described, Microversion::k2_1).wrong->fault, Fault::kUnknownField);
  EXPECT_EQ(Create(described).made.flavor.description, "d");
}

TEST(CreateBody, HugeNumbersAreTooLarge) {
  const auto ram = [](const std::string& text) {
    return Create(R"("name": "n", "vcpus": 1, "disk": 0, "ram": )" + text).wrong->fault;
  };
  EXPECT_EQ(ram("1" + std::string(300, '0')), Fault::kTooLarge);
  EXPECT_EQ(ram("-1" + std::string(300, '0')), Fault::kTooSmall);
  EXPECT_EQ(ram("\"" + std::string(100'000, '9') + "\""), Fault::kTooLarge);
}

TEST(CreateBody, ZerosWithoutEndAreNoNumber) {
  const std::string zeros = "\"" + std::string(5000, '0') + "\"";
  const auto disk = Create(R"("name": "n", "ram": 1, "vcpus": 1, "disk": )" + zeros);
  ASSERT_TRUE(disk.wrong);
  EXPECT_EQ(disk.wrong->fault, Fault::kType);
  EXPECT_TRUE(disk.wrong->beyond_schema);
  const auto ram = Create(R"("name": "n", "vcpus": 1, "disk": 0, "ram": )" + zeros);
  ASSERT_TRUE(ram.wrong);
  EXPECT_EQ(ram.wrong->fault, Fault::kTooSmall);
}

TEST(CreateBody, FactorsBelowOneMustBeText) {
  EXPECT_EQ(Create(kLeast + ", \"rxtx_factor\": 0.5").wrong->fault, Fault::kTooSmall);
  EXPECT_EQ(Create(kLeast + ", \"rxtx_factor\": \"0.5\"").made.flavor.rxtx_factor, 0.5);
  EXPECT_EQ(Create(kLeast + ", \"rxtx_factor\": 1.5").made.flavor.rxtx_factor, 1.5);
}

TEST(ExtraSpecsBody, NumbersBecomeText) {
  model::ExtraSpecs made;
  const auto body = ReadJson(R"({"extra_specs": {"a": 1, "b": 2.50, "c": "x", "d\n": ""}})");
  ASSERT_FALSE(JudgeExtraSpecs(*body, &made));
  EXPECT_EQ(made, (model::ExtraSpecs{{"a", "1"}, {"b", "2.5"}, {"c", "x"}, {"d\n", ""}}));
  const auto huge = ReadJson("{\"extra_specs\": {\"a\": 1" + std::string(255, '0') + "}}");
  const auto wrong = JudgeExtraSpecs(*huge, &made);
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->fault, Fault::kTooLong);
  EXPECT_TRUE(wrong->beyond_schema);
}

}  // namespace
}  // namespace kilonova::flavors::rules
