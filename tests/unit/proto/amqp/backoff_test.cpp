// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/backoff.h"

#include <gtest/gtest.h>

namespace kilonova::amqp {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, TopOfTheJitter_DoublesUpToTheCap) {
  Backoff backoff({}, [] { return 0.9999999; });
  std::vector<std::int64_t> delays;
  for (int i = 0; i < 10; ++i) delays.push_back(backoff.Next().count());
  EXPECT_EQ(delays, (std::vector<std::int64_t>{199, 399, 799, 1599, 3199, 6399, 12799, 25599, 29999,
                                               29999}));
}

TEST(Backoff, BottomOfTheJitter_IsNoWaitAtAll) {
  Backoff backoff({}, [] { return 0.0; });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(backoff.Next(), milliseconds(0));
}

TEST(Backoff, Reset_BeginsAgain) {
  Backoff backoff({.base = milliseconds(100), .cap = milliseconds(1000)}, [] { return 0.5; });
  EXPECT_EQ(backoff.Next(), milliseconds(50));
  EXPECT_EQ(backoff.Next(), milliseconds(100));
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), milliseconds(50));
}

TEST(Backoff, SystemRandom_SpreadsOverTheWholeRange) {
  Backoff backoff({.base = milliseconds(1000), .cap = milliseconds(1000)}, SystemRandom());
  milliseconds least(1000), most(0);
  for (int i = 0; i < 1000; ++i) {
    const auto delay = backoff.Next();
    least = std::min(least, delay);
    most = std::max(most, delay);
    ASSERT_GE(delay, milliseconds(0));
    ASSERT_LT(delay, milliseconds(1000));
  }
  EXPECT_LT(least, milliseconds(100));
  EXPECT_GT(most, milliseconds(900));
}

}  // namespace
}  // namespace kilonova::amqp
