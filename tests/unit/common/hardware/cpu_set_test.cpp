// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/cpu_set.h"

#include <gtest/gtest.h>

#include "common/hardware/errors.h"

namespace kilonova::hardware {
namespace {

TEST(CpuSet, HoldsWhatIsPutIn) {
  CpuSet set{3, 64, 700, 3};
  EXPECT_EQ(set.Size(), 3U);
  EXPECT_TRUE(set.Has(700));
  EXPECT_FALSE(set.Has(699));
  EXPECT_FALSE(set.Has(-1));
  EXPECT_FALSE(set.Has(kMaxCpuId));
  EXPECT_EQ(set.ToVector(), (std::vector<CpuId>{3, 64, 700}));
  set.Remove(700);
  set.Remove(1);
  EXPECT_EQ(set, (CpuSet{64, 3}));
}

TEST(CpuSet, Algebra) {
  const CpuSet low = CpuSet::Range(0, 99);
  const CpuSet high = CpuSet::Range(90, 400);
  EXPECT_EQ(low & high, CpuSet::Range(90, 99));
  EXPECT_EQ((low | high).Size(), 401U);
  EXPECT_EQ(low - high, CpuSet::Range(0, 89));
  EXPECT_EQ(high - low, CpuSet::Range(100, 400));
  EXPECT_TRUE(low.Includes(low & high));
  EXPECT_FALSE(low.Includes(high));
  EXPECT_FALSE(high.Includes(low));
  EXPECT_TRUE(low.Intersects(high));
  EXPECT_FALSE((low - high).Intersects(high));
  EXPECT_TRUE((low - low).Empty());
  EXPECT_EQ(low - low, CpuSet());
  EXPECT_TRUE(CpuSet::Range(5, 4).Empty());
}

TEST(ParseCpuSpec, BoundsTheIds) {
  EXPECT_EQ(ParseCpuSpec("65535")->Size(), 1U);
  for (const char* spec : {"65536", "0-65536", "0-99999999999999999999", "^65536"}) {
    EXPECT_EQ(NovaExceptionOf(ParseCpuSpec(spec).status()), "Invalid") << spec;
  }
}

TEST(ParseCpuSpec, NamesThePiece) {
  const auto spec = ParseCpuSpec("0-3, 7-5,9");
  EXPECT_EQ(spec.status().code(), Code::kInvalidArgument);
  EXPECT_NE(Message(spec.status()).find("'7-5'"), std::string::npos) << spec.status();
}

TEST(FormatCpuSpec, ComesBackAsItWas) {
  for (const char* spec : {"", "0", "0-1", "0,2", "0-3,5,7-9,63-64,255-300"}) {
    const auto cpus = ParseCpuSpec(spec);
    ASSERT_TRUE(cpus.ok()) << spec;
    EXPECT_EQ(FormatCpuSpec(*cpus), spec);
    EXPECT_EQ(*ParseCpuSpec(FormatCpuSpec(*cpus, CpuSpecForm::kList)), *cpus);
  }
}

}  // namespace
}  // namespace kilonova::hardware
