// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <set>

#include "agent/core/instance_files.h"
#include "tests/support/agent_harness.h"

namespace kilonova::testing {
namespace {

using agent::core::Verdict;
using model::Outcome;
using model::PowerState;
using model::TaskState;
using model::VmState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Build : public AgentHarness {
 protected:
  void ExpectNothingLeft(int n) {
    EXPECT_FALSE(DirExists(n));
    EXPECT_FALSE(hypervisor_.Has(NthUuid(n)));
    EXPECT_FALSE(Record(n));
    EXPECT_TRUE(journal_.Unfinished()->empty());
  }
  void ExpectFailed(int n, Reason why, bool retryable) {
    const auto last = LastReport(n);
    EXPECT_EQ(last.outcome, Outcome::kFailed);
    EXPECT_EQ(last.vm_state, VmState::kError);
    ASSERT_TRUE(last.fault);
    EXPECT_EQ(last.fault->reason, why.name);
    EXPECT_EQ(last.fault->retryable, retryable);
  }
  // The build of an earlier agent, in the journal; its id there.
  std::int64_t AcceptedBuild(int n) {
    const auto message = Message("build", n);
    agent::core::JournalEntry entry;
    entry.unique_id = message.request.unique_id;
    entry.method = message.request.method;
    entry.instance_uuid = NthUuid(n);
    entry.generation = 1;
    entry.body = message.body;
    EXPECT_TRUE(journal_.Accept(entry).ok());
    return entry.id;
  }
};

TEST_F(Build, RunsAndIsReported) {
  Boot();
  EXPECT_EQ(Send("build", 1), Verdict::kAck);
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
  EXPECT_TRUE(std::filesystem::exists(settings_.paths.Disk(NthUuid(1))));
  EXPECT_TRUE(std::filesystem::exists(settings_.paths.ConfigDrive(NthUuid(1))));
  EXPECT_TRUE(std::filesystem::exists(settings_.paths.DiskInfo(NthUuid(1))));
  std::vector<TaskState> tasks;
  for (const auto& report : Reports(1)) tasks.push_back(report.task_state);
  EXPECT_THAT(tasks, ElementsAre(TaskState::kNetworking, TaskState::kBlockDeviceMapping,
                                 TaskState::kSpawning, TaskState::kNone));
  const auto last = LastReport(1);
  EXPECT_EQ(last.outcome, Outcome::kDone);
  EXPECT_EQ(last.vm_state, VmState::kActive);
  EXPECT_EQ(last.power_state, PowerState::kRunning);
  EXPECT_EQ(last.operation, "build");
  EXPECT_TRUE(last.launched_at);
  EXPECT_EQ(last.timings.size(), 15u);  // all but report and cleanup
  ASSERT_TRUE(Record(1));
  EXPECT_EQ(Record(1)->vm_state, VmState::kActive);
  EXPECT_EQ(Record(1)->resources.at("MEMORY_MB"), 512);
  EXPECT_TRUE(journal_.Unfinished()->empty());
}

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

TEST_F(Build, FlavorThatDiffersFromItsTemplateSaysWhat) {
  auto other = TinyFlavor();
  other.memory_mb = 1024;
  control_plane_.AddTemplate(other);
  Boot();
  Send("build", 1);
  Settle();
  ExpectFailed(1, reason::kFlavorMismatch, false);
  EXPECT_THAT(LastReport(1).fault->message, HasSubstr("memory_mb"));
  ExpectNothingLeft(1);
}

TEST_F(Build, UnsafeImageLeavesNothingAndIsNotTriedElsewhere) {
  images_.SetFailure(Error(Code::kInvalidArgument, reason::kImageUnsafe, "refused",
                           {{kOperatorDetail, "/secret/path"}}));
  Boot();
  Send("build", 1);
  Settle();
  ExpectFailed(1, reason::kImageUnsafe, false);
  EXPECT_THAT(LastReport(1).fault->message, ::testing::Not(HasSubstr("secret")));
  ExpectNothingLeft(1);
}

TEST_F(Build, FullDiskIsAnotherHostsChance) {
  images_.SetOverlayFailure(Error(Code::kResourceExhausted, reason::kHostDiskFull, "full"));
  Boot();
  Send("build", 1);
  Settle();
  ExpectFailed(1, reason::kHostDiskFull, true);
  ExpectNothingLeft(1);
}

TEST_F(Build, MissingNetworkIsAnotherHostsChance) {
  networks_.SetMissing("default");
  Boot();
  Send("build", 1);
  Settle();
  ExpectFailed(1, reason::kHostNetworkMissing, true);
  ExpectNothingLeft(1);
}

TEST_F(Build, ImageLargerThanTheRootDiskIsRefused) {
  images_.SetVirtualSize(2ULL << 30);
  Boot();
  Send("build", 1);
  Settle();
  ExpectFailed(1, reason::kImageTooBigForFlavor, false);
  ExpectNothingLeft(1);
}

TEST_F(Build, NoMoreThanFitsOnTheHost) {
  settings_.reserved_host_memory_mb = 32768 - 2 * 512;
  Boot();
  for (int n = 1; n <= 3; ++n) Send("build", n);
  Settle();
  int failed = 0;
  for (int n = 1; n <= 3; ++n) failed += LastReport(n).outcome == Outcome::kFailed ? 1 : 0;
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(journal_.Instances()->size(), 2u);
}

TEST_F(Build, StartRefusedByLibvirtIsUndone) {
  hypervisor_.Fail("start", Error(Code::kInternal, reason::kHypervisorRefused, "no"));
  Boot();
  Send("build", 1);
  Settle();
  ExpectFailed(1, reason::kHypervisorRefused, true);
  ExpectNothingLeft(1);
  EXPECT_EQ(networks_.Removed().size(), 1u);
}

TEST_F(Build, StaleClaimIsNeverStarted) {
  control_plane_.SetCurrent(NthUuid(1), 2);
  Boot();
  Send("build", 1, 1);
  Settle();
  ExpectFailed(1, reason::kClaimStale, false);
  ExpectNothingLeft(1);
}

TEST_F(Build, WaitsForPermissionWithoutStarting) {
  Boot();
  images_.Hold(true);
  Send("build", 1);
  Until([&] { return Record(1).has_value(); }, "the host claim");
  control_plane_.SetReachable(false);
  images_.Hold(false);
  Until([&] { return control_plane_.Asked() >= 2; }, "two questions");
  EXPECT_FALSE(hypervisor_.Running(NthUuid(1)));
  control_plane_.SetReachable(true);
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
}

TEST_F(Build, SurvivesLibvirtGoingAwayForAMoment) {
  hypervisor_.Fail("define", Error(Code::kUnavailable, reason::kHypervisorUnavailable, "gone"), 2);
  hypervisor_.Fail("start", Error(Code::kUnavailable, reason::kHypervisorUnavailable, "gone"), 2);
  Boot();
  Send("build", 1);
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
}

TEST_F(Build, UndoWaitsForLibvirtBeforeSayingFailed) {
  settings_.hypervisor_wait = std::chrono::milliseconds(20);
  Boot();
  images_.Hold(true);
  Send("build", 1);
  Until([&] { return Record(1).has_value(); }, "the host claim");
  // Define goes through, then libvirt is away: nobody knows whether the guest starts.
  hypervisor_.Fail("start", Error(Code::kUnavailable, reason::kHypervisorUnavailable, "gone"),
                   1000);
  hypervisor_.Fail("destroy", Error(Code::kUnavailable, reason::kHypervisorUnavailable, "gone"),
                   1000000);
  images_.Hold(false);
  Until([&] { return hypervisor_.Calls("destroy") >= 2; }, "undo");
  EXPECT_NE(LastReport(1).outcome, Outcome::kFailed);
  hypervisor_.Fail("destroy", OkStatus(), 0);
  Settle();
  ExpectFailed(1, reason::kHypervisorUnavailable, true);
  ExpectNothingLeft(1);
}

TEST_F(Build, ThatCannotBeUndoneKeepsItsClaimAndIsUndoneLater) {
  settings_.reserved_host_memory_mb = 32768 - 512;  // room for one
  hypervisor_.Fail("start", Error(Code::kInternal, reason::kHypervisorRefused, "no"));
  hypervisor_.Fail("destroy", Error(Code::kInternal, reason::kHypervisorRefused, "stuck"), 1000);
  Boot();
  Send("build", 1);
  Settle();
  ExpectFailed(1, reason::kHypervisorRefused, false);
  ASSERT_TRUE(Record(1));
  EXPECT_EQ(Record(1)->vm_state, VmState::kError);
  Send("build", 2);
  Settle();
  ExpectFailed(2, reason::kHostResourcesExhausted, true);
  // Tried again and again, over a restart of the agent too.
  Until([&] { return hypervisor_.Calls("destroy") >= 3; }, "another try");
  Restart();
  const int before = hypervisor_.Calls("destroy");
  Until([&] { return hypervisor_.Calls("destroy") > before; }, "a try of the next agent");
  EXPECT_TRUE(Record(1));
  EXPECT_TRUE(DirExists(1));
  hypervisor_.Fail("destroy", OkStatus(), 0);
  Until([&] { return !Record(1).has_value(); }, "the undo");
  Settle();
  ExpectNothingLeft(1);
  Send("build", 3);
  Settle();
  EXPECT_EQ(LastReport(3).outcome, Outcome::kDone);
}

// Builds that only wait must not keep others from going on.
TEST_F(Build, ThoseThatWaitForPermissionHoldNoWorker) {
  settings_.workers = 2;
  Boot();
  for (int n = 1; n <= 4; ++n) control_plane_.SetUnknown(NthUuid(n), true);
  for (int n = 1; n <= 4; ++n) Send("build", n);
  Until([&] { return control_plane_.Asked() >= 8; }, "each has asked");
  Send("build", 5);
  Until([&] { return hypervisor_.Running(NthUuid(5)); }, "the one that need not wait");
  EXPECT_FALSE(hypervisor_.Running(NthUuid(1)));
  for (int n = 1; n <= 4; ++n) control_plane_.SetUnknown(NthUuid(n), false);
  Settle();
  for (int n = 1; n <= 4; ++n) EXPECT_EQ(hypervisor_.Starts(NthUuid(n)), 1);
}

TEST_F(Build, ThatWaitsForPermissionGivesWayToItsDelete) {
  Boot();
  control_plane_.SetUnknown(NthUuid(1), true);
  Send("build", 1);
  Until([&] { return control_plane_.Asked() >= 1; }, "a question");
  Send("terminate", 1);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kDeleted);
  ExpectNothingLeft(1);
}

TEST_F(Build, KeepsNoPasswordInItsRecord) {
  Boot();
  images_.Hold(true);
  Send("build", 1, 1, "hunter2");
  Until([&] { return Record(1).has_value(); }, "the host claim");
  EXPECT_THAT(Record(1)->build_body, ::testing::Not(HasSubstr("hunter2")));
  // The message still has it, for an agent that begins again.
  EXPECT_THAT(journal_.Entry(1)->body, HasSubstr("hunter2"));
  images_.Hold(false);
  Settle();
  EXPECT_TRUE(Record(1)->launched);
  EXPECT_THAT(Record(1)->build_body, ::testing::Not(HasSubstr("hunter2")));
  EXPECT_EQ(journal_.Entry(1)->body, "");
  Send("reboot_hard", 1);  // what is kept is enough
  Settle();
  EXPECT_EQ(LastReport(1).outcome, Outcome::kDone);
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

TEST_F(Build, ASharedDiskIsNotClaimedHere) {
  settings_.shared_disk = true;
  Boot();
  Send("build", 1);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_FALSE(agent_->Report()->inventories.contains("DISK_GB"));
  EXPECT_FALSE(Record(1)->resources.contains("DISK_GB"));
  EXPECT_EQ(Record(1)->resources.at("MEMORY_MB"), 512);
}

class Pinned : public Build {
 protected:
  Pinned() {
    settings_.cpu_dedicated_set = hardware::CpuSet::Range(0, 3);
    model::Flavor flavor = TinyFlavor();
    flavor.vcpus = 2;
    flavor.swap_mb = 64;
    flavor.extra_specs["hw:cpu_policy"] = "dedicated";
    control_plane_.AddTemplate(flavor);
    hypervisor_.SetCells(2, 4);
  }
  std::set<int> Pins(int n) {
    std::set<int> pins;
    const auto record = Record(n);
    for (const auto& cell : record->numa->cells) {
      for (const auto& [guest, host] : cell.cpu_pinning) pins.insert(host);
    }
    return pins;
  }
};

TEST_F(Pinned, GuestsGetCpusOfTheirOwnAndKeepThemOverARestart) {
  Boot();
  Send("build", 1, 1, "pinned1");
  Send("build", 2, 1, "pinned2");
  Settle();
  const auto first = Pins(1);
  const auto second = Pins(2);
  EXPECT_EQ(first.size(), 2u);
  EXPECT_EQ(second.size(), 2u);
  std::set<int> all = first;
  all.insert(second.begin(), second.end());
  EXPECT_EQ(all, (std::set<int>{0, 1, 2, 3}));
  EXPECT_EQ(Record(1)->resources.at("PCPU"), 2);
  EXPECT_FALSE(Record(1)->resources.contains("VCPU"));
  EXPECT_TRUE(std::filesystem::exists(settings_.paths.Instance(NthUuid(1)) / "disk.swap"));
  Restart();
  Settle();
  EXPECT_EQ(Pins(1), first);
  const auto cells = agent_->Report()->numa_cells;
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[0].pinned_cpus, "0-3");
  EXPECT_EQ(cells[1].cpuset, "");
  Send("build", 3, 1, "pinned3");
  Settle();
  ExpectFailed(3, reason::kHostResourcesExhausted, true);
  // What one gives back the next one gets.
  Send("terminate", 1);
  Settle();
  Send("build", 4, 1, "pinned4");
  Settle();
  EXPECT_EQ(Pins(4), first);
}

TEST_F(Pinned, BuildThatBeginsAgainKeepsItsPlace) {
  Boot();
  images_.Hold(true);
  Send("build", 1, 1, "pinned1");
  Until([&] { return Record(1).has_value(); }, "the host claim");
  const auto first = Pins(1);
  agent_->Drain(std::chrono::steady_clock::now());
  images_.Hold(false);
  Restart();
  Settle();
  EXPECT_EQ(Pins(1), first);
  EXPECT_EQ(LastReport(1).outcome, Outcome::kDone);
}

TEST_F(Pinned, SetsThatDoNotFitTheMachineAreSaid) {
  settings_.cpu_dedicated_set = hardware::CpuSet{99};
  Boot();
  Settle();
  EXPECT_THAT(agent_->Report()->degraded, ::testing::Contains(HasSubstr("cpu_dedicated_set")));
  EXPECT_FALSE(agent_->Report()->inventories.contains("VCPU"));
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
