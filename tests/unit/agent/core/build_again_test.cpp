// SPDX-License-Identifier: Apache-2.0
// Builds that an agent finds in its journal when it starts.
#include <gmock/gmock.h>

#include "tests/unit/agent/core/build_fixture.h"

namespace kilonova::testing {
namespace {

using agent::core::Verdict;

TEST_F(Build, DrainDoesNotWaitForThoseWhoOnlyWait) {
  Boot();
  images_.Hold(true);
  Send("build", 1);
  Until([&] { return Record(1).has_value(); }, "the host claim");
  control_plane_.SetReachable(false);
  images_.Hold(false);
  Until([&] { return control_plane_.Asked() >= 1; }, "a question");
  const auto begin = std::chrono::steady_clock::now();
  agent_->Drain(begin + std::chrono::seconds(100));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(50));
  EXPECT_EQ(journal_.Unfinished()->size(), 1u);
}

TEST_F(Build, DrainSetsItAsideAndTheNextAgentFinishesIt) {
  Boot();
  images_.Hold(true);
  Send("build", 1);
  Send("build", 2);
  Until([&] { return Record(1).has_value(); }, "the host claim");
  EXPECT_FALSE(agent_->Drain(std::chrono::steady_clock::now()));
  EXPECT_EQ(Send("build", 3), Verdict::kDraining);
  EXPECT_EQ(journal_.Unfinished()->size(), 2u);
  const auto open = journal_.Unfinished();
  for (const auto& entry : *open) EXPECT_EQ(entry.starts, 0);
  images_.Hold(false);
  Restart();
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
  EXPECT_TRUE(hypervisor_.Running(NthUuid(2)));
}

TEST_F(Build, PoisonIsGivenUpAndTheAgentGoesOn) {
  const std::int64_t id = AcceptedBuild(1);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(journal_.MarkRunning(id).ok());
  std::filesystem::create_directories(settings_.paths.Instance(NthUuid(1)));
  Boot();
  Send("build", 2);
  Settle();
  ExpectFailed(1, reason::kBuildAbandoned, false);
  EXPECT_FALSE(DirExists(1));
  EXPECT_TRUE(hypervisor_.Running(NthUuid(2)));
}

// A long build that the machine, not the message, kept ending: each time it came further.
TEST_F(Build, DeathsWithProgressInBetweenAreNotItsOwn) {
  const std::int64_t id = AcceptedBuild(1);
  for (int death = 1; death <= 9; ++death) {
    ASSERT_TRUE(journal_.MarkRunning(id).ok());
    ASSERT_TRUE(journal_.Advance(id, death).ok());
  }
  Boot();
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
}

TEST_F(Build, DeathsLongAfterItsStartCountOnlyInAll) {
  const auto died_late = [&](int n, int times) {
    const std::int64_t id = AcceptedBuild(n);
    for (int death = 0; death < times; ++death) {
      ASSERT_TRUE(journal_.MarkRunning(id).ok());
      ASSERT_TRUE(journal_.Settle(id).ok());
    }
  };
  died_late(1, 6);
  died_late(2, 10);
  Boot();
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
  ExpectFailed(2, reason::kBuildAbandoned, false);
}

TEST_F(Build, AtWorkForLongIsSettled) {
  // Long enough that the step before the image is reached first, which counts the start again.
  settings_.settled_after = std::chrono::seconds(2);
  settings_.reconcile_every = std::chrono::milliseconds(20);
  Boot();
  images_.Hold(true);
  Send("build", 1);
  Until([&] { return Counter("entries_settled") >= 1; }, "it has settled");
  EXPECT_EQ(journal_.Entry(1)->starts, 0);
  images_.Hold(false);
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
}

TEST_F(Build, UnreadableJournalEntryIsSetAsideWhileOthersGoOn) {
  agent::core::JournalEntry entry;
  entry.unique_id = "x";
  entry.method = "build_and_run_instance";
  entry.instance_uuid = NthUuid(1);
  entry.generation = 1;
  entry.body = "garbage";
  ASSERT_TRUE(journal_.Accept(entry).ok());
  Boot();
  Send("build", 2);
  Settle();
  ExpectFailed(1, reason::kMessageMalformed, false);
  EXPECT_TRUE(hypervisor_.Running(NthUuid(2)));
  EXPECT_TRUE(journal_.Unfinished()->empty());
}

}  // namespace
}  // namespace kilonova::testing
