// SPDX-License-Identifier: Apache-2.0
#include "flavors/extra_specs/validation.h"

#include <gtest/gtest.h>

namespace kilonova::flavors::extra_specs {
namespace {

TEST(Validation, ModesDifferInWhatTheyLetPass) {
  const model::ExtraSpecs unknown{{"hw:cpu_polcy", "dedicated"}};
  const model::ExtraSpecs wrong{{"hw:cpu_policy", "x"}};
  const model::ExtraSpecs good{{"hw:cpu_policy", "shared"}, {"mine", ""}, {"my:own", ""}};
  std::vector<std::string> warnings;
  const Warn warn = [&](const Status& status) { warnings.push_back(Message(status)); };

  EXPECT_FALSE(Validate(unknown, Validation::kStrict, warn).ok());
  EXPECT_FALSE(Validate(wrong, Validation::kStrict, warn).ok());
  EXPECT_FALSE(Validate(wrong, Validation::kPermissive, warn).ok());
  EXPECT_TRUE(warnings.empty());
  EXPECT_TRUE(Validate(unknown, Validation::kPermissive, warn).ok());
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("hw:cpu_polcy"), std::string::npos);
  EXPECT_TRUE(Validate(unknown, Validation::kPermissive).ok());
  for (const auto& specs : {unknown, wrong, good}) {
    EXPECT_TRUE(Validate(specs, Validation::kDisabled, warn).ok());
  }
  for (const auto mode : {Validation::kStrict, Validation::kPermissive}) {
    EXPECT_TRUE(Validate(good, mode, warn).ok());
  }
  EXPECT_EQ(warnings.size(), 1U);
}

TEST(Validation, AHundredThousandStrangersWarnAFewTimes) {
  model::ExtraSpecs many;
  for (int i = 0; i < 100'000; ++i) many.emplace("hw:unknown_" + std::to_string(i), "x");
  int warnings = 0;
  EXPECT_TRUE(Validate(many, Validation::kPermissive, [&](const Status&) { ++warnings; }).ok());
  EXPECT_EQ(warnings, kMostWarnings);
}

TEST(Validation, ReadsItsNames) {
  EXPECT_EQ(ParseValidation("strict"), Validation::kStrict);
  EXPECT_EQ(ParseValidation("permissive"), Validation::kPermissive);
  EXPECT_EQ(ParseValidation("disabled"), Validation::kDisabled);
  EXPECT_EQ(ParseValidation("Strict"), std::nullopt);
}

}  // namespace
}  // namespace kilonova::flavors::extra_specs
