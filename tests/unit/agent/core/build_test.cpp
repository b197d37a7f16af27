// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tests/unit/agent/core/build_fixture.h"

namespace kilonova::testing {
namespace {

using agent::core::Verdict;
using model::Outcome;
using model::PowerState;
using model::TaskState;
using model::VmState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace kilonova::testing
