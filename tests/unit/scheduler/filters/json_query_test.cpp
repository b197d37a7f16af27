// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/json_query.h"

#include <gtest/gtest.h>

#include "scheduler/core/query_bounds.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Judgement;

class JsonQueryTest : public ::testing::Test {
 protected:
  JsonQueryTest() {
    core::HostState host;
    host.host = "cn-1";
    host.stats = {{"gen", "4"}};
    host.supported_instances = {{"x86_64", "kvm", "hvm"}};
    host.inventories["MEMORY_MB"].total = 2048;
    host_ = fleet_.Upsert(host).value();
  }

  Judgement Judge(const std::string& text) {
    const auto query = JsonQuery::Parse(text);
    EXPECT_TRUE(query.ok()) << query.status();
    return query.ok() ? query->Judge(fleet_, host_) : Judgement::kError;
  }

  core::Fleet fleet_;
  core::HostIndex host_ = 0;
};

TEST_F(JsonQueryTest, ComparesAsPython) {
  EXPECT_EQ(Judge(R"([">=", "$free_ram_mb", 2048])"), Judgement::kPass);
  EXPECT_EQ(Judge(R"(["=", 1, true, 1.0])"), Judgement::kPass);
  EXPECT_EQ(Judge(R"(["=", 1, "1"])"), Judgement::kRefuse);
  EXPECT_EQ(Judge(R"(["<", 1, "1"])"), Judgement::kError);
  EXPECT_EQ(Judge(R"(["<", 18446744073709551614, 18446744073709551615])"), Judgement::kPass);
  EXPECT_EQ(Judge(R"(["<", "$supported_instances", "$supported_instances"])"), Judgement::kRefuse);
  EXPECT_EQ(Judge(R"(["in", "$stats.gen", 4, "4"])"), Judgement::kPass);
}

TEST_F(JsonQueryTest, NoneIsLeftOutAndAPathIntoATextIsAnError) {
  EXPECT_EQ(Judge(R"(["=", "$nope"])"), Judgement::kRefuse);
  EXPECT_EQ(Judge(R"(["and", "$stats.zz"])"), Judgement::kPass);
  EXPECT_EQ(Judge(R"(["=", "$host.x", 1])"), Judgement::kError);
  EXPECT_EQ(Judge(R"(["=", "$__class__", 1])"), Judgement::kRefuse);
}

TEST_F(JsonQueryTest, ListsOfNotAreTrueWhenNotEmpty) {
  EXPECT_EQ(Judge(R"(["not", ["=", "$host", "cn-1"]])"), Judgement::kRefuse);
  EXPECT_EQ(Judge(R"(["and", ["not", ["=", "$host", "cn-1"]]])"), Judgement::kPass);
  EXPECT_EQ(Judge(R"(["not"])"), Judgement::kRefuse);
}

TEST_F(JsonQueryTest, WhatIsNoListIsReadAsPythonReadsIt) {
  EXPECT_EQ(Judge("[]"), Judgement::kPass);
  EXPECT_EQ(Judge("null"), Judgement::kPass);
  EXPECT_EQ(Judge("0"), Judgement::kPass);
  EXPECT_EQ(Judge("5"), Judgement::kError);
  EXPECT_EQ(Judge(R"({"=": 1})"), Judgement::kError);
  EXPECT_EQ(Judge(R"("=aa")"), Judgement::kPass);
  EXPECT_EQ(Judge(R"("abc")"), Judgement::kError);
}

TEST(JsonQuery, WhatIsTooBigTooDeepOrNoJsonIsRefused) {
  const std::string deep(core::kMostQueryDepth + 1, '[');
  std::string wide = R"(["or")";
  for (std::size_t i = 0; i < kMostQueryTerms; ++i) wide += ", 1";
  const std::string big(core::kMostQueryBytes + 1, ' ');
  for (const std::string& text :
       {deep, std::string(1000000, '['), wide + "]", big, std::string("[1,"), std::string("NaN"),
        std::string("[\"=\", \"\xff\"]")}) {
    const auto query = JsonQuery::Parse(text);
    ASSERT_FALSE(query.ok()) << text.substr(0, 40);
    EXPECT_EQ(query.status().code(), Code::kInvalidArgument);
    EXPECT_EQ(DetailsOf(query.status()).at("field"), "scheduler_hints.query");
  }
}

}  // namespace
}  // namespace kilonova::scheduler::filters
