// SPDX-License-Identifier: Apache-2.0
// Messages that come twice, too late, or broken.
#include <gmock/gmock.h>

#include "tests/unit/agent/core/build_fixture.h"

namespace kilonova::testing {
namespace {

using agent::core::Verdict;
using model::Outcome;
using model::VmState;

TEST_F(Build, SameMessageAgainHasOneEffectAndTheSameAnswer) {
  Boot();
  Send("build", 1);
  Settle();
  ASSERT_TRUE(journal_.AckReports(LastReport(1).seq).ok());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Send("build", 1), Verdict::kAck);
  Settle();
  EXPECT_EQ(hypervisor_.Starts(NthUuid(1)), 1);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_EQ(Reports(1).size(), 1u);  // one repetition waits; the others would say the same
}

TEST_F(Build, AnotherMessageForTheSameGenerationHasNoSecondEffect) {
  Boot();
  Send("build", 1, 1, "a");
  Send("build", 1, 1, "b");
  Settle();
  EXPECT_EQ(hypervisor_.Starts(NthUuid(1)), 1);
  EXPECT_EQ(LastReport(1).outcome, Outcome::kDone);
}

TEST_F(Build, SameIdOtherContentIsRefused) {
  Boot();
  auto message = Message("build", 1);
  agent_->Submit(message);
  message.digest = "other";
  const auto answer = agent_->Submit(message);
  EXPECT_EQ(answer.verdict, Verdict::kRefuse);
  EXPECT_EQ(ReasonOf(answer.why), "MESSAGE_CONFLICT");
  EXPECT_EQ(Counter("messages_refused.MESSAGE_CONFLICT"), 1);
}

TEST_F(Build, WithoutAClaimIsRefused) {
  Boot();
  auto message = Message("build", 1);
  std::get<model::BuildRequest>(message.request.body).claim = {};
  EXPECT_EQ(ReasonOf(agent_->Submit(message).why), "CLAIM_MISSING");
  EXPECT_TRUE(journal_.Unfinished()->empty());
}

TEST_F(Build, UnreadableButClearlySomebodysIsReportedFailed) {
  Boot();
  const auto refuse = [&](const char* instance) {
    agent_->CountRefused(Error(Code::kInvalidArgument, reason::kObjectInvalid, "no",
                               {{"method", "build_and_run_instance"},
                                {"instance", instance},
                                {"generation", "3"},
                                {"request_id", "req-x"}}));
  };
  refuse(NthUuid(1).str().c_str());
  ExpectFailed(1, reason::kObjectInvalid, false);
  EXPECT_EQ(LastReport(1).generation, 3);
  EXPECT_EQ(LastReport(1).request_id, "req-x");
  refuse("../../etc");  // no uuid: counted, nothing else
  EXPECT_EQ(Counter("messages_refused.OBJECT_INVALID"), 2);
  // A bad copy of a message does not harm the instance that is there.
  Send("build", 2);
  Settle();
  refuse(NthUuid(2).str().c_str());
  EXPECT_EQ(LastReport(2).outcome, Outcome::kDone);
}

TEST_F(Build, UnreadableActionOnAnInstanceIsReportedFailedAndChangesNothing) {
  Boot();
  Send("build", 1);
  Settle();
  agent_->CountRefused(Error(
      Code::kAborted, reason::kBuildAbandoned, "given up",
      {{"method", "terminate_instance"}, {"instance", NthUuid(1).str()}, {"generation", "1"}}));
  EXPECT_EQ(LastReport(1).operation, "terminate");
  EXPECT_EQ(LastReport(1).outcome, Outcome::kFailed);
  EXPECT_EQ(LastReport(1).fault->reason, "BUILD_ABANDONED");
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
  const auto before = LastReport(1).seq;
  agent_->CountRefused(
      Error(Code::kUnimplemented, reason::kRpcMethodUnknown, "no",
            {{"method", "rescue_instance"}, {"instance", NthUuid(1).str()}, {"generation", "1"}}));
  EXPECT_EQ(LastReport(1).seq, before);
}

TEST_F(Build, NewGenerationReplacesWhatAnEarlierOneLeft) {
  Boot();
  Send("build", 1, 1);
  Settle();
  control_plane_.SetCurrent(NthUuid(1), 2);
  Send("build", 1, 2);
  Settle();
  EXPECT_EQ(LastReport(1).generation, 2);
  EXPECT_EQ(LastReport(1).outcome, Outcome::kDone);
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
  EXPECT_EQ(Record(1)->generation, 2);
  // And the earlier one, coming late, changes nothing.
  Send("build", 1, 1, "late");
  Settle();
  EXPECT_EQ(LastReport(1).fault->reason, "CLAIM_STALE");
  EXPECT_EQ(Record(1)->generation, 2);
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
}

TEST_F(Build, BrokenJournalIsNotAcknowledged) {
  Boot();
  journal_.Break();
  EXPECT_EQ(Send("build", 1), Verdict::kJournalFailed);
  EXPECT_THAT(agent_->Report()->degraded, ::testing::Contains("JOURNAL_FAILED"));
}

}  // namespace
}  // namespace kilonova::testing
