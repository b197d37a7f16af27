// SPDX-License-Identifier: Apache-2.0
// Journal, libvirt and directories against each other; the session's view of the host.
#include <gmock/gmock.h>

#include <fstream>

#include "agent/core/console.h"
#include "tests/support/agent_harness.h"

namespace kilonova::testing {
namespace {

namespace fs = std::filesystem;
using model::PowerState;
using model::VmState;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class Reconcile : public AgentHarness {
 protected:
  void Plant(int n, PowerState power, std::int64_t generation = 1,
             const std::string& host = "host1") {
    hypervisor_.Plant({NthUuid(n), "vm", power, {host, generation, NthUuid(500 + n)}});
  }
  std::size_t Quarantined() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(settings_.paths.Quarantine()), {}));
  }
};

TEST_F(Reconcile, RestartTouchesNoRunningGuest) {
  Boot();
  for (int n = 1; n <= 20; ++n) Send("build", n);
  Settle();
  const int starts = hypervisor_.Calls("start");
  Restart();
  Settle();
  for (int n = 1; n <= 20; ++n) EXPECT_TRUE(hypervisor_.Running(NthUuid(n)));
  EXPECT_EQ(hypervisor_.Calls("start"), starts);
  EXPECT_EQ(hypervisor_.Calls("destroy"), 0);
  EXPECT_EQ(hypervisor_.Calls("shutdown"), 0);
  EXPECT_THAT(*agent_->Instances(), SizeIs(20));
}

TEST_F(Reconcile, FindsWhatStoppedWhileTheAgentWasAway) {
  Boot();
  Send("build", 1);
  Settle();
  agent_.reset();
  hypervisor_.GuestPowersOff(NthUuid(1));
  Boot();
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
  EXPECT_EQ(LastReport(1).outcome, model::Outcome::kObserved);
}

TEST_F(Reconcile, AdoptsAGuestTheJournalLost) {
  Plant(1, PowerState::kRunning, 4);
  fs::create_directories(settings_.paths.Instance(NthUuid(1)));
  Boot();
  Settle();
  ASSERT_TRUE(Record(1));
  EXPECT_EQ(Record(1)->generation, 4);
  EXPECT_EQ(Record(1)->vm_state, VmState::kActive);
  EXPECT_TRUE(DirExists(1));
  EXPECT_EQ(hypervisor_.Calls("start") + hypervisor_.Calls("destroy"), 0);
  // And it can be stopped, started and deleted like any other.
  Send("stop", 1, 4);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
  Send("start", 1, 4);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  Send("terminate", 1, 4);
  Settle();
  EXPECT_FALSE(hypervisor_.Has(NthUuid(1)));
}

TEST_F(Reconcile, DomainsOfOthersAreNotSeen) {
  Plant(1, PowerState::kRunning, 1, "another-host");
  Boot();
  Settle();
  EXPECT_FALSE(Record(1));
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
  EXPECT_THAT(*agent_->Instances(), IsEmpty());
}

TEST_F(Reconcile, DirectoryOfNobodyIsQuarantinedNotRemoved) {
  fs::create_directories(settings_.paths.Instance(NthUuid(1)));
  std::ofstream(settings_.paths.Disk(NthUuid(1))) << "data";
  fs::create_directories(settings_.paths.Instances() / "not-a-uuid");
  Boot();
  Settle();
  EXPECT_FALSE(DirExists(1));
  EXPECT_EQ(Quarantined(), 1u);
  EXPECT_TRUE(fs::exists(settings_.paths.Instances() / "not-a-uuid"));
  settings_.forget_after = std::chrono::hours(-1);  // as if a day had passed
  Restart();
  Settle();
  EXPECT_EQ(Quarantined(), 0u);
}

TEST_F(Reconcile, DirectoryIsLeftAloneWhileLibvirtCannotBeAsked) {
  fs::create_directories(settings_.paths.Instance(NthUuid(1)));
  hypervisor_.SetConnected(false);
  Boot();
  Settle();
  EXPECT_TRUE(DirExists(1));
  hypervisor_.SetConnected(true);
  Settle();
  EXPECT_FALSE(DirExists(1));
}

TEST_F(Reconcile, DirectoryOfADomainOfAnotherHostIsLeftAlone) {
  fs::create_directories(settings_.paths.Instance(NthUuid(1)));
  Plant(1, PowerState::kShutdown, 1, "another-host");
  Boot();
  Settle();
  EXPECT_TRUE(DirExists(1));
}

TEST_F(Reconcile, BuildingRecordWithoutAMessageIsAbandoned) {
  agent::core::InstanceRecord record;
  record.uuid = NthUuid(1);
  record.generation = 2;
  agent::core::Journal::Completion put;
  put.upsert = record;
  ASSERT_TRUE(journal_.Complete(put).ok());
  fs::create_directories(settings_.paths.Instance(NthUuid(1)));
  Boot();
  Settle();
  EXPECT_FALSE(Record(1));
  EXPECT_FALSE(DirExists(1));
  EXPECT_EQ(LastReport(1).fault->reason, "BUILD_ABANDONED");
  EXPECT_EQ(LastReport(1).generation, 2);
}

TEST_F(Reconcile, JournalThatFailed_LeavesABuildThatWentFarAsItIs) {
  agent::core::InstanceRecord record;  // running, but its end could not be written
  record.uuid = NthUuid(1);
  record.generation = 1;
  agent::core::Journal::Completion put;
  put.upsert = record;
  ASSERT_TRUE(journal_.Complete(put).ok());
  Plant(1, PowerState::kRunning);
  fs::create_directories(settings_.paths.Instance(NthUuid(1)));
  journal_.Break();
  Boot();
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
  EXPECT_TRUE(DirExists(1));
}

TEST_F(Reconcile, PoisonedCopyOfABuild_DoesNotEndTheGuestThatIsHere) {
  Boot();
  Send("build", 1);
  Settle();
  agent_.reset();
  const auto copy = Message("build", 1, 1, "copy");
  agent::core::JournalEntry entry;
  entry.unique_id = copy.request.unique_id;
  entry.method = copy.request.method;
  entry.instance_uuid = NthUuid(1);
  entry.generation = 1;
  entry.digest = copy.digest;
  entry.body = copy.body;
  ASSERT_TRUE(journal_.Accept(entry).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(journal_.MarkRunning(entry.id).ok());
  Boot();
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
  EXPECT_TRUE(DirExists(1));
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_THAT(*journal_.Unfinished(), IsEmpty());
}

TEST_F(Reconcile, DeleteThatWasBegunOftenIsNeverGivenUp) {
  Boot();
  Send("build", 1);
  Settle();
  agent_.reset();
  agent::core::JournalEntry entry;
  entry.unique_id = "delete";
  entry.method = "terminate_instance";
  entry.instance_uuid = NthUuid(1);
  entry.generation = 1;
  entry.body = "garbage";  // not even looked at
  ASSERT_TRUE(journal_.Accept(entry).ok());
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(journal_.MarkRunning(entry.id).ok());
  Boot();
  Settle();
  EXPECT_FALSE(hypervisor_.Has(NthUuid(1)));
  EXPECT_FALSE(DirExists(1));
  EXPECT_FALSE(Record(1));
  EXPECT_EQ(LastReport(1).outcome, model::Outcome::kDone);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kDeleted);
  EXPECT_THAT(*journal_.Unfinished(), IsEmpty());
}

TEST_F(Reconcile, DrainedActionCountsAsNoStart) {
  Boot();
  Send("build", 1);
  Settle();
  hypervisor_.SetHeedsButton(false);
  settings_.shutdown_timeout = std::chrono::minutes(10);
  Restart();
  Send("stop", 1);
  for (int i = 0; i < 5; ++i) {  // more often than a poison message may begin
    const int pressed = hypervisor_.Calls("shutdown");
    Until([&] { return hypervisor_.Calls("shutdown") > pressed; }, "the power button");
    EXPECT_FALSE(agent_->Drain(std::chrono::steady_clock::now()));
    ASSERT_THAT(*journal_.Unfinished(), SizeIs(1));
    EXPECT_EQ(journal_.Unfinished()->front().starts, 0);
    Restart();
  }
  hypervisor_.GuestPowersOff(NthUuid(1));
  Settle();
  EXPECT_EQ(LastReport(1).outcome, model::Outcome::kDone);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
}

TEST_F(Reconcile, StaleInstancesAreRemovedUpToTheirGeneration) {
  Boot();
  Send("build", 1, 1);
  Send("build", 2, 5);
  Settle();
  Plant(3, PowerState::kRunning, 2);
  agent_->RemoveStale({{NthUuid(1), 1}, {NthUuid(2), 4}, {NthUuid(3), 2}});
  Settle();
  EXPECT_FALSE(hypervisor_.Has(NthUuid(1)));
  EXPECT_FALSE(DirExists(1));
  EXPECT_TRUE(hypervisor_.Running(NthUuid(2)));
  EXPECT_FALSE(hypervisor_.Has(NthUuid(3)));
  Send("build", 1, 1, "late");
  Settle();
  EXPECT_FALSE(hypervisor_.Has(NthUuid(1)));
}

TEST_F(Reconcile, StaleRunningBuildIsStopped) {
  Boot();
  images_.Hold(true);
  Send("build", 1);
  Until([&] { return Record(1).has_value(); }, "the host claim");
  agent_->RemoveStale({{NthUuid(1), 1}});
  Settle();
  images_.Hold(false);
  EXPECT_FALSE(Record(1));
  EXPECT_FALSE(DirExists(1));
  EXPECT_TRUE(journal_.Unfinished()->empty());
}

TEST_F(Reconcile, InstancesNamesQueuedBuildsToo) {
  Boot();
  images_.Hold(true);
  for (int n = 1; n <= 8; ++n) Send("build", n, 3);
  const auto instances = *agent_->Instances();
  EXPECT_THAT(instances, SizeIs(8));
  for (const auto& instance : instances) {
    EXPECT_TRUE(instance.building);
    EXPECT_EQ(instance.generation, 3);
  }
  images_.Hold(false);
  Settle();
  const auto built = *agent_->Instances();
  for (const auto& instance : built) {
    EXPECT_FALSE(instance.building);
    EXPECT_EQ(instance.power_state, PowerState::kRunning);
  }
}

TEST_F(Reconcile, DegradedSaysWhatIsWrong) {
  Boot();
  Settle();
  EXPECT_THAT(agent_->Report()->degraded, Contains("QUEUE_DEAF: not connected yet"));
  agent_->SetReceiving(true, "");
  EXPECT_THAT(agent_->Report()->degraded, IsEmpty());
  hypervisor_.SetConnected(false);
  EXPECT_THAT(agent_->Report()->degraded, UnorderedElementsAre("HYPERVISOR_UNAVAILABLE"));
  EXPECT_EQ(agent_->Report()->cpu_arch, "x86_64");  // remembered
}

TEST_F(Reconcile, ConsoleIsOfInstancesHere) {
  Boot();
  Send("build", 1);
  Settle();
  EXPECT_EQ(agent_->Console(NthUuid(1), 100)->output, "");
  std::ofstream(settings_.paths.Console(NthUuid(1))) << "hello";
  EXPECT_EQ(agent_->Console(NthUuid(1), 100)->output, "hello");
  EXPECT_EQ(ReasonOf(agent_->Console(NthUuid(2), 100).status()), "INSTANCE_NOT_FOUND");
}

}  // namespace
}  // namespace kilonova::testing
