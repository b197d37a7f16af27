// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/lifetimes.h"

#include <gtest/gtest.h>

namespace kilonova::scheduler::replay {
namespace {

TEST(Lifetimes, NothingSeen_ExpectsTheLongest) {
  Lifetimes lifetimes;
  EXPECT_EQ(lifetimes.Remaining("a", 0), Lifetimes::kLongest);
}

TEST(Lifetimes, OfOneKind_IsAboutItsMedian) {
  Lifetimes lifetimes;
  for (int i = 0; i < 100; ++i) lifetimes.Ended("short", 0, 0.01);
  for (int i = 0; i < 150; ++i) lifetimes.Ended("long", 0, 10);
  lifetimes.Learn({});
  EXPECT_NEAR(lifetimes.Remaining("short", 0), 0.01, 0.003);
  EXPECT_NEAR(lifetimes.Remaining("long", 0), 10, 3);
  EXPECT_NEAR(lifetimes.Remaining("long", 9), 1, 2);
  // An unknown kind is taken as all are: most live ten days.
  EXPECT_NEAR(lifetimes.Remaining("new", 0), 10, 3);
}

TEST(Lifetimes, OlderVms_AreExpectedToLiveOn) {
  Lifetimes lifetimes;
  for (int i = 0; i < 900; ++i) lifetimes.Ended("a", 0, 0.01);
  for (int i = 0; i < 100; ++i) lifetimes.Ended("a", 0, 20);
  lifetimes.Learn({});
  EXPECT_LT(lifetimes.Remaining("a", 0), 0.02);
  EXPECT_GT(lifetimes.Remaining("a", 0.1), 10);
}

TEST(Lifetimes, VmsThatRunStill_CountForTheAgesTheyReached) {
  Lifetimes lifetimes;
  for (int i = 0; i < 60; ++i) lifetimes.Ended("a", 0, 1);
  lifetimes.Learn({});
  EXPECT_LT(lifetimes.Remaining("a", 0), 2);
  const std::vector<Lifetimes::Running> running(600, {"a", 0, 30});
  lifetimes.Learn(running);
  EXPECT_EQ(lifetimes.Remaining("a", 0), Lifetimes::kLongest);
}

TEST(Lifetimes, VmsFirstSeenOld_SayNothingOfYoungAges) {
  Lifetimes lifetimes;
  for (int i = 0; i < 100; ++i) lifetimes.Ended("a", 0, 0.01);
  const std::vector<Lifetimes::Running> running(1000, {"a", 20, 30});
  lifetimes.Learn(running);
  EXPECT_LT(lifetimes.Remaining("a", 0), 0.02);
}

}  // namespace
}  // namespace kilonova::scheduler::replay
