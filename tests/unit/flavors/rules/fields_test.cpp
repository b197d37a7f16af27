// SPDX-License-Identifier: Apache-2.0
#include "flavors/rules/fields.h"

#include <gtest/gtest.h>

#include <limits>

namespace kilonova::flavors::rules {
namespace {

model::Flavor Good() {
  model::Flavor flavor;
  flavor.flavorid = "f1";
  flavor.name = "m1.small";
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  return flavor;
}

std::string FieldAt(const model::Flavor& flavor) {
  const auto wrong = JudgeFlavor(flavor);
  if (!wrong) return "";
  const Status status = ToStatus(*wrong);
  EXPECT_TRUE(HasReason(status, reason::kFlavorInvalid));
  EXPECT_EQ(DetailsOf(status)["field"], wrong->field);
  return wrong->field;
}

TEST(Fields, NamesMayBeAnythingPrintable) {
  for (const auto* name : {"a", "a b", "\xC3\xA9\xE2\x82\xAC", "a\n", "a!$%&/"}) {
    EXPECT_FALSE(JudgeName(name)) << name;
  }
  for (const auto* name : {" a", "a ",
                           "\xC2\xA0"
                           "a",
                           "\n", "a\n\n", "a\tb", "a\x7F", "a\xE2\x80\x8B", "\xF0\x9F\x98\x80",
                           "a\xFF", "\xED\xA0\x80"}) {
    const auto wrong = JudgeName(name);
    ASSERT_TRUE(wrong) << name;
    EXPECT_EQ(wrong->fault, Fault::kName);
  }
  EXPECT_FALSE(JudgeName("\xC2\xA0 a ", Spaces::kOutsideToo));
  EXPECT_TRUE(JudgeName("  ", Spaces::kOutsideToo));
  EXPECT_EQ(JudgeName("")->fault, Fault::kTooShort);
  std::string longest;
  for (int i = 0; i < 255; ++i) longest += "\xC3\xA9";
  EXPECT_FALSE(JudgeName(longest));
  EXPECT_EQ(JudgeName(longest + "x")->fault, Fault::kTooLong);
}

TEST(Fields, IdsAreAscii) {
  for (const auto* id : {"1", "a b", "m1.small-x_y", "a\n"}) EXPECT_FALSE(JudgeFlavorId(id)) << id;
  for (const auto* id : {" a", "a ", "a \n", "a/b", "\xC3\xA9", "\n", "a\n\n"}) {
    EXPECT_TRUE(JudgeFlavorId(id)) << id;
  }
}

TEST(Fields, EveryFieldOfAFlavorIsJudged) {
  EXPECT_EQ(FieldAt(Good()), "");
  const auto with = [](auto change) {
    model::Flavor flavor = Good();
    change(flavor);
    return FieldAt(flavor);
  };
  EXPECT_EQ(with([](auto& f) { f.flavorid = ""; }), "");
  EXPECT_EQ(with([](auto& f) { f.flavorid = "a/b"; }), "flavorid");
  EXPECT_EQ(with([](auto& f) { f.name = ""; }), "name");
  EXPECT_EQ(with([](auto& f) { f.vcpus = 0; }), "vcpus");
  EXPECT_EQ(with([](auto& f) { f.memory_mb = 0; }), "memory_mb");
  EXPECT_EQ(with([](auto& f) { f.memory_mb = std::int64_t{1} << 31; }), "memory_mb");
  EXPECT_EQ(with([](auto& f) { f.root_gb = -1; }), "root_gb");
  EXPECT_EQ(with([](auto& f) { f.ephemeral_gb = -1; }), "ephemeral_gb");
  EXPECT_EQ(with([](auto& f) { f.swap_mb = -1; }), "swap");
  EXPECT_EQ(with([](auto& f) { f.rxtx_factor = 0; }), "rxtx_factor");
  EXPECT_EQ(with([](auto& f) { f.rxtx_factor = 3.5e38; }), "rxtx_factor");
  EXPECT_EQ(with([](auto& f) { f.rxtx_factor = std::numeric_limits<double>::quiet_NaN(); }),
            "rxtx_factor");
  EXPECT_EQ(with([](auto& f) { f.description = "a\tb"; }), "description");
  EXPECT_EQ(with([](auto& f) { f.description = std::string(65536, 'x'); }), "description");
  EXPECT_EQ(with([](auto& f) { f.description = std::string(65535, 'x'); }), "");
  EXPECT_EQ(with([](auto& f) { f.extra_specs = {{"a/b", ""}}; }), "extra_specs.a/b");
  EXPECT_EQ(with([](auto& f) { f.extra_specs = {{"", ""}}; }), "extra_specs.");
  EXPECT_EQ(with([](auto& f) { f.extra_specs = {{"a", std::string(256, 'x')}}; }), "extra_specs.a");
  EXPECT_EQ(with([](auto& f) { f.extra_specs = {{"a", std::string("\0", 1)}}; }), "extra_specs.a");
  EXPECT_EQ(with([](auto& f) { f.extra_specs = {{"a", "\xFF"}}; }), "extra_specs.a");
  EXPECT_EQ(with([](auto& f) {
              for (int i = 0; i < 100'000; ++i) f.extra_specs.emplace(std::to_string(i), "x");
            }),
            "extra_specs");
}

}  // namespace
}  // namespace kilonova::flavors::rules
