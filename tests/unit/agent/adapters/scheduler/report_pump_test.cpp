// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/scheduler/report_pump.h"

#include <gtest/gtest.h>

#include "tests/support/fake_journal.h"

namespace kilonova::agent::adapters::scheduler {
namespace {

void Say(core::Journal& journal, int times) {
  for (int i = 0; i < times; ++i) {
    core::Journal::Completion completion;
    completion.report = model::StateReport{.instance_uuid = Uuid::Random()};
    ASSERT_TRUE(journal.Complete(completion).ok());
  }
}

TEST(ReportPump, EachReport_OncePerSessionAndInOrder) {
  testing::FakeJournal journal;
  Say(journal, 5);
  ReportPump pump(&journal);
  ASSERT_TRUE(pump.Begin(0).ok());
  const auto first = *pump.Take(3);
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first.front().seq, 1);
  EXPECT_EQ(pump.Take(3)->front().seq, 4);
  EXPECT_TRUE(pump.Take(3)->empty());
  Say(journal, 1);
  EXPECT_EQ(pump.Take(3)->front().seq, 6);
}

TEST(ReportPump, NewSession_SendsAgainWhatWasNotAcknowledged) {
  testing::FakeJournal journal;
  Say(journal, 5);
  ReportPump pump(&journal);
  ASSERT_TRUE(pump.Begin(0).ok());
  ASSERT_EQ(pump.Take(10)->size(), 5u);
  ASSERT_TRUE(pump.Acknowledge(2).ok());
  ReportPump next(&journal);
  ASSERT_TRUE(next.Begin(3).ok());  // the scheduler got one more than it could say
  const auto again = *next.Take(10);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again.front().seq, 4);
}

TEST(ReportPump, AckOfWhatWasNeverSent_DropsNothing) {
  testing::FakeJournal journal;
  Say(journal, 4);
  ReportPump pump(&journal);
  ASSERT_TRUE(pump.Begin(0).ok());
  ASSERT_EQ(pump.Take(2)->size(), 2u);
  ASSERT_TRUE(pump.Acknowledge(100).ok());
  EXPECT_EQ(journal.PendingReports(0, 10)->size(), 2u);
}

}  // namespace
}  // namespace kilonova::agent::adapters::scheduler
