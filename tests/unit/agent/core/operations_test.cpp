// SPDX-License-Identifier: Apache-2.0
// Delete, start, stop, reboot and what guests do by themselves.
#include <gmock/gmock.h>

#include "agent/core/observe.h"
#include "tests/support/agent_harness.h"

namespace kilonova::testing {
namespace {

using agent::core::Verdict;
using agent::core::VmStateSeen;
using model::Outcome;
using model::PowerState;
using model::TaskState;
using model::VmState;

class Operations : public AgentHarness {
 protected:
  void SetUp() override {
    Boot();
    Send("build", 1);
    Settle();
    ASSERT_TRUE(hypervisor_.Running(NthUuid(1)));
  }
  std::vector<TaskState> Tasks(const std::string& operation) {
    std::vector<TaskState> tasks;
    for (const auto& report : Reports(1)) {
      if (report.operation == operation) tasks.push_back(report.task_state);
    }
    return tasks;
  }
};

TEST_F(Operations, DeleteRemovesEverythingAndLateBuildsDoNothing) {
  Send("terminate", 1);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kDeleted);
  EXPECT_EQ(LastReport(1).outcome, Outcome::kDone);
  EXPECT_FALSE(hypervisor_.Has(NthUuid(1)));
  EXPECT_FALSE(DirExists(1));
  EXPECT_FALSE(Record(1));
  EXPECT_EQ(networks_.Removed().size(), 1u);
  EXPECT_EQ(Send("build", 1, 1, "late"), Verdict::kAck);
  Settle();
  EXPECT_FALSE(hypervisor_.Has(NthUuid(1)));
  Send("build", 1, 2, "placed anew");
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
}

TEST_F(Operations, DeleteOfAnUnknownInstanceIsDoneAndBuriesIt) {
  Send("terminate", 7);
  Settle();
  EXPECT_EQ(LastReport(7).vm_state, VmState::kDeleted);
  Send("build", 7);
  Settle();
  EXPECT_FALSE(hypervisor_.Has(NthUuid(7)));
}

TEST_F(Operations, DeleteStopsARunningBuild) {
  images_.Hold(true);
  Send("build", 2);
  Until([&] { return Record(2).has_value(); }, "the host claim");
  Send("terminate", 2);
  Settle();
  images_.Hold(false);
  EXPECT_EQ(LastReport(2).vm_state, VmState::kDeleted);
  EXPECT_FALSE(hypervisor_.Has(NthUuid(2)));
  EXPECT_FALSE(DirExists(2));
  EXPECT_TRUE(journal_.Unfinished()->empty());
}

TEST_F(Operations, DeleteOfAnEarlierGenerationLeavesTheLaterOne) {
  Send("build", 2, 5);
  Settle();
  Send("terminate", 2, 4);
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(2)));
  EXPECT_TRUE(Record(2));
}

TEST_F(Operations, DeleteWaitsForLibvirt) {
  hypervisor_.SetConnected(false);
  Send("terminate", 1);
  Until([&] { return hypervisor_.Calls("destroy") >= 2; }, "two tries");
  EXPECT_TRUE(DirExists(1));
  hypervisor_.SetConnected(true);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kDeleted);
}

TEST_F(Operations, StopAsksTheGuestFirst) {
  Send("stop", 1);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
  EXPECT_EQ(LastReport(1).power_state, PowerState::kShutdown);
  EXPECT_EQ(hypervisor_.Calls("destroy"), 1);  // its process may linger
  EXPECT_EQ(hypervisor_.Calls("plug"), 0);
  Send("start", 1);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
}

TEST_F(Operations, StopPullsThePlugWhenTheGuestDoesNotHeed) {
  settings_.shutdown_timeout = std::chrono::seconds(1);
  Restart();
  hypervisor_.SetHeedsButton(false);
  Send("stop", 1);
  Settle();
  EXPECT_GE(hypervisor_.Calls("shutdown"), 2);  // pressed again meanwhile
  EXPECT_EQ(hypervisor_.Calls("plug"), 1);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
}

TEST_F(Operations, HardStopDoesNotAsk) {
  Send("stop_hard", 1);
  Settle();
  EXPECT_EQ(hypervisor_.Calls("shutdown"), 0);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
}

TEST_F(Operations, StartDefinesAnewWhatLibvirtLost) {
  Send("stop", 1);
  Settle();
  ASSERT_TRUE(hypervisor_.Undefine(NthUuid(1)).ok());
  Send("start", 1);
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
}

TEST_F(Operations, SoftRebootIsShutdownAndStart) {
  Send("reboot", 1);
  Settle();
  EXPECT_THAT(Tasks("reboot"), ::testing::ElementsAre(TaskState::kRebootPending,
                                                      TaskState::kRebootStarted, TaskState::kNone));
  EXPECT_EQ(hypervisor_.Calls("destroy"), 0);
  EXPECT_EQ(hypervisor_.Starts(NthUuid(1)), 2);
}

TEST_F(Operations, SoftRebootFallsBackToHard) {
  hypervisor_.SetHeedsButton(false);
  Send("reboot", 1);
  Settle();
  EXPECT_EQ(hypervisor_.Calls("destroy"), 1);
  EXPECT_EQ(hypervisor_.Starts(NthUuid(1)), 2);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
}

TEST_F(Operations, HardRebootRedefines) {
  const int defines = hypervisor_.Calls("define");
  Send("reboot_hard", 1);
  Settle();
  EXPECT_EQ(hypervisor_.Calls("define"), defines + 1);
  EXPECT_THAT(Tasks("reboot"),
              ::testing::ElementsAre(TaskState::kRebootPendingHard, TaskState::kRebootStartedHard,
                                     TaskState::kNone));
}

TEST_F(Operations, FailedActionLeavesTheStateAndSaysWhy) {
  Send("stop", 1);
  Settle();
  hypervisor_.Fail("start", Error(Code::kInternal, reason::kHypervisorRefused, "no"));
  Send("start", 1);
  Settle();
  EXPECT_EQ(LastReport(1).outcome, Outcome::kFailed);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
  EXPECT_EQ(LastReport(1).fault->reason, "HYPERVISOR_REFUSED");
}

TEST_F(Operations, OfOneInstanceRunInOrder) {
  for (int i = 0; i < 10; ++i) {
    const std::string id = std::to_string(i);
    Send("stop_hard", 1, 1, id);
    Send("start", 1, 1, id);
  }
  Settle();
  EXPECT_EQ(hypervisor_.Starts(NthUuid(1)), 11);
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
}

TEST_F(Operations, OwnDoingIsNoObservation) {
  Send("stop", 1);
  Send("start", 1);
  Send("reboot", 1);
  Settle();
  for (const auto& report : Reports(1)) EXPECT_NE(report.outcome, Outcome::kObserved);
}

TEST_F(Operations, GuestThatPowersOffIsStopped) {
  hypervisor_.GuestPowersOff(NthUuid(1));
  Settle();
  EXPECT_EQ(LastReport(1).outcome, Outcome::kObserved);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
  EXPECT_EQ(LastReport(1).power_state, PowerState::kShutdown);
  EXPECT_FALSE(LastReport(1).fault);
}

TEST_F(Operations, GuestThatCrashesSaysSo) {
  hypervisor_.GuestCrashes(NthUuid(1));
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
  EXPECT_EQ(LastReport(1).fault->reason, "GUEST_CRASHED");
}

TEST_F(Operations, WhatHappenedWhileLibvirtWasAwayIsFound) {
  hypervisor_.SetConnected(false);
  agent::core::DomainInfo info{NthUuid(1), "vm1", PowerState::kShutdown, {"host1", 1, {}}};
  hypervisor_.Plant(info);  // no event
  hypervisor_.SetConnected(true);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
}

// Nova's _sync_instance_power_state: it stays STOPPED, and is to be stopped.
TEST_F(Operations, StoppedGuestThatRunsStaysStoppedAndIsToldOfAgain) {
  settings_.sync_power_state_interval = std::chrono::milliseconds(20);
  settings_.reconcile_every = std::chrono::milliseconds(10);
  Restart();
  Send("stop", 1);
  Settle();
  ASSERT_TRUE(hypervisor_.Start(NthUuid(1)).ok());  // by somebody on the host
  const auto told = [&] {
    std::size_t times = 0;
    for (const auto& report : Reports(1)) {
      if (report.outcome != Outcome::kObserved) continue;
      EXPECT_EQ(report.vm_state, VmState::kStopped);
      if (report.power_state == PowerState::kRunning) ++times;
    }
    return times;
  };
  Until([&] { return told() >= 3; }, "it is told of again");
  Send("stop_hard", 1);
  Until([&] { return !hypervisor_.Running(NthUuid(1)); }, "stopped");
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
}

TEST_F(Operations, WhatNeverRanIsNeitherStartedNorRebooted) {
  hypervisor_.Fail("start", Error(Code::kInternal, reason::kHypervisorRefused, "no"));
  hypervisor_.Fail("destroy", Error(Code::kInternal, reason::kHypervisorRefused, "stuck"), 1000);
  Send("build", 2);
  Settle();
  ASSERT_EQ(Record(2)->vm_state, VmState::kError);
  for (const char* what : {"start", "reboot", "reboot_hard", "stop_hard"}) {
    Send(what, 2);
    Settle();
    EXPECT_EQ(LastReport(2).outcome, Outcome::kFailed) << what;
    EXPECT_EQ(LastReport(2).fault->reason, "INSTANCE_STATE_CONFLICT") << what;
    EXPECT_FALSE(hypervisor_.Running(NthUuid(2))) << what;
  }
}

TEST_F(Operations, RebootOfWhatIsBeingBuiltIsRefused) {
  agent::core::InstanceRecord record;
  record.uuid = NthUuid(3);
  record.generation = 1;
  agent::core::Journal::Completion put;
  put.upsert = record;
  ASSERT_TRUE(journal_.Complete(put).ok());
  Send("reboot_hard", 3);
  Settle();
  const auto reports = Reports(3);
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(reports.front().fault->reason, "INSTANCE_STATE_CONFLICT");
  EXPECT_EQ(hypervisor_.Starts(NthUuid(3)), 0);
}

TEST(VmStateSeen, FollowsNova) {
  EXPECT_EQ(VmStateSeen(VmState::kActive, PowerState::kShutdown), VmState::kStopped);
  EXPECT_EQ(VmStateSeen(VmState::kActive, PowerState::kCrashed), VmState::kStopped);
  EXPECT_EQ(VmStateSeen(VmState::kPaused, PowerState::kShutdown), VmState::kStopped);
  EXPECT_EQ(VmStateSeen(VmState::kActive, PowerState::kPaused), VmState::kActive);
  EXPECT_EQ(VmStateSeen(VmState::kActive, PowerState::kNoState), VmState::kActive);
  EXPECT_EQ(VmStateSeen(VmState::kStopped, PowerState::kRunning), VmState::kStopped);
  EXPECT_EQ(VmStateSeen(VmState::kError, PowerState::kRunning), VmState::kError);
}

}  // namespace
}  // namespace kilonova::testing
