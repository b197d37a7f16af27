// SPDX-License-Identifier: Apache-2.0
#include "common/base/clock.h"

#include <gtest/gtest.h>

namespace kilonova {
namespace {

TEST(Clock, FormatAndParse_RoundTrip) {
  const WallTime time = FromMicros(1795358668123456);
  EXPECT_EQ(FormatTime(time), "2026-11-22T14:44:28.123456Z");
  EXPECT_EQ(FormatNovaTime(time), "2026-11-22T14:44:28Z");
  EXPECT_EQ(*ParseTime(FormatTime(time)), time);
  EXPECT_EQ(*ParseTime("2026-11-22T14:44:28"), FromMicros(1795358668000000));
  EXPECT_EQ(*ParseTime("2026-11-22 14:44:28.5+00:00"), FromMicros(1795358668500000));
}

TEST(Clock, ParseTime_RefusesOtherThings) {
  for (const char* bad :
       {"", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-22T24:00:00Z",
        "2026-11-22T14:44:28+01:00", "2026-11-22T14:44:28.Z", "yesterday"}) {
    EXPECT_FALSE(ParseTime(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace kilonova
