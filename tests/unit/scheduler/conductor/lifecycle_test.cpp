// SPDX-License-Identifier: Apache-2.0
// Actions, reports, re-scheduling.
#include <gmock/gmock.h>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using model::PowerState;
using model::TaskState;
using model::VmState;

class Lifecycle : public ConductorTest {
 protected:
  Lifecycle() {
    rig_.HostUp("a");
    rig_.HostUp("b");
    rig_.HostUp("c");
    rig_.AddCatalog();
  }
  Conductor& conductor() { return *rig_.conductor; }
};

TEST_F(Lifecycle, ABuild_BecomesActive) {
  const InstancePtr r = rig_.Active("one");
  EXPECT_EQ(r->vm_state, VmState::kActive);
  EXPECT_EQ(r->task_state, TaskState::kNone);
  EXPECT_EQ(r->power_state, PowerState::kRunning);
  EXPECT_TRUE(r->launched_at.has_value());
  EXPECT_EQ(*rig_.store->AdminPassword(r->uuid()), "");
  rig_.CheckInvariants();
}

TEST_F(Lifecycle, Progress_ShowsItsTask) {
  const InstancePtr r = rig_.Create("one");
  auto report = rig_.ReportOf(*r, "build", model::Outcome::kProgress, PowerState::kNoState);
  report.task_state = TaskState::kSpawning;
  ASSERT_TRUE(rig_.Send(r->host, report).ok());
  EXPECT_EQ(rig_.Get(r->uuid())->task_state, TaskState::kSpawning);
}

TEST_F(Lifecycle, StopStartReboot_GoTheirWay) {
  const Uuid uuid = rig_.Active("one")->uuid();
  const std::string id = uuid.str();
  EXPECT_TRUE(
      HasReason(conductor().StartInstance(id, "").status(), reason::kInstanceStateConflict));
  ASSERT_TRUE(conductor().StopInstance(id, "").ok());
  EXPECT_EQ(rig_.Get(uuid)->task_state, TaskState::kPoweringOff);
  EXPECT_TRUE(HasReason(conductor().StopInstance(id, "").status(), reason::kInstanceStateConflict));
  ASSERT_EQ(rig_.Deliver().size(), 1U);
  rig_.Done(uuid, "stop", PowerState::kShutdown);
  EXPECT_EQ(rig_.Get(uuid)->vm_state, VmState::kStopped);
  ASSERT_TRUE(conductor().StartInstance(id, "").ok());
  rig_.Done(uuid, "start");
  EXPECT_EQ(rig_.Get(uuid)->vm_state, VmState::kActive);
  ASSERT_TRUE(conductor().RebootInstance(id, model::RebootType::kSoft, "").ok());
  // A hard reboot may overtake it; then the soft one's end is not the end.
  const auto soft =
      rig_.ReportOf(*rig_.Get(uuid), "reboot", model::Outcome::kDone, PowerState::kRunning);
  ASSERT_TRUE(conductor().RebootInstance(id, model::RebootType::kHard, "").ok());
  ASSERT_TRUE(rig_.Send(rig_.Get(uuid)->host, soft).ok());
  EXPECT_EQ(rig_.Get(uuid)->task_state, TaskState::kRebootingHard);
  rig_.Done(uuid, "reboot");
  EXPECT_EQ(rig_.Get(uuid)->task_state, TaskState::kNone);
  rig_.CheckInvariants();
}

TEST_F(Lifecycle, AFailedStop_LeavesItActiveWithAFault) {
  const Uuid uuid = rig_.Active("one")->uuid();
  ASSERT_TRUE(conductor().StopInstance(uuid.str(), "").ok());
  rig_.Fail(uuid, "stop", "HYPERVISOR_UNAVAILABLE", false, PowerState::kRunning);
  const InstancePtr r = rig_.Get(uuid);
  EXPECT_EQ(r->vm_state, VmState::kActive);
  EXPECT_EQ(r->task_state, TaskState::kNone);
  EXPECT_EQ(r->fault->reason, "HYPERVISOR_UNAVAILABLE");
}

TEST_F(Lifecycle, DeleteOfAnActiveInstance_GoesThroughItsHost) {
  const Uuid uuid = rig_.Active("one")->uuid();
  ASSERT_TRUE(conductor().DeleteInstance(uuid.str(), "").ok());
  ASSERT_TRUE(conductor().DeleteInstance(uuid.str(), "").ok());
  EXPECT_EQ(rig_.Get(uuid)->task_state, TaskState::kDeleting);
  rig_.CheckInvariants();
  const auto sent = rig_.Deliver();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].method, "terminate_instance");
  rig_.Done(uuid, "terminate", PowerState::kNoState);
  const InstancePtr r = rig_.Get(uuid);
  EXPECT_TRUE(r->deleted());
  EXPECT_TRUE(r->terminated_at.has_value());
  EXPECT_TRUE(conductor().DeleteInstance(uuid.str(), "").ok());
  rig_.CheckInvariants();
  const auto networks = conductor().DeleteNetwork("net");
  EXPECT_TRUE(networks.ok()) << Describe(networks);
}

TEST_F(Lifecycle, DeleteBeforeTheBuildWasSent_TellsNobody) {
  const InstancePtr r = rig_.Create("one");
  ASSERT_TRUE(conductor().DeleteInstance(r->uuid().str(), "").ok());
  EXPECT_TRUE(rig_.Get(r->uuid())->deleted());
  EXPECT_TRUE(rig_.Deliver().empty());
  rig_.CheckInvariants();
}

TEST_F(Lifecycle, DeleteOfABuildThatArrivedUnconfirmed_StillTellsItsHost) {
  const InstancePtr r = rig_.Create("one");
  auto& outbox = conductor().outbox();
  const auto rows = outbox.Take(10, std::chrono::milliseconds(0));
  ASSERT_EQ(rows.size(), 1U);
  // The broker took it, its confirm was lost, and the host starts the guest.
  outbox.Failed(std::vector{rows[0].id});
  ASSERT_TRUE(conductor().ConfirmStart(r->host, r->uuid(), 1).ok());
  ASSERT_TRUE(conductor().DeleteInstance(r->uuid().str(), "").ok());
  EXPECT_EQ(rig_.Get(r->uuid())->task_state, TaskState::kDeleting);
  const auto sent = rig_.Deliver();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[1].method, "terminate_instance");
  rig_.Done(r->uuid(), "terminate", PowerState::kNoState);
  EXPECT_TRUE(rig_.Get(r->uuid())->deleted());
  rig_.CheckInvariants();
}

TEST_F(Lifecycle, DeleteWhileBuilding_TakesThePermissionToStart) {
  const InstancePtr r = rig_.Create("one");
  rig_.Deliver();
  ASSERT_TRUE(conductor().DeleteInstance(r->uuid().str(), "").ok());
  EXPECT_TRUE(HasReason(conductor().ConfirmStart(r->host, r->uuid(), 1), reason::kClaimStale));
  // The build's end comes late and changes nothing; the terminate's ends it.
  rig_.Done(r->uuid(), "build");
  EXPECT_EQ(rig_.Get(r->uuid())->task_state, TaskState::kDeleting);
  rig_.Done(r->uuid(), "terminate", PowerState::kNoState);
  EXPECT_TRUE(rig_.Get(r->uuid())->deleted());
  rig_.CheckInvariants();
}

TEST_F(Lifecycle, AFailedTerminate_IsAnErrorThatCanBeDeletedAgain) {
  const Uuid uuid = rig_.Active("one")->uuid();
  ASSERT_TRUE(conductor().DeleteInstance(uuid.str(), "").ok());
  rig_.Fail(uuid, "terminate", "HYPERVISOR_UNAVAILABLE", true);
  EXPECT_EQ(rig_.Get(uuid)->vm_state, VmState::kError);
  ASSERT_TRUE(conductor().DeleteInstance(uuid.str(), "").ok());
  rig_.Done(uuid, "terminate", PowerState::kNoState);
  EXPECT_TRUE(rig_.Get(uuid)->deleted());
}

TEST_F(Lifecycle, AFailedBuild_MovesToTheAlternatesAndThenGivesUp) {
  auto request = Rig::Request("one");
  request.instance.admin_password = "s3cret";
  const auto made = conductor().CreateInstances(request);
  ASSERT_TRUE(made.ok());
  const Uuid uuid = made->front()->uuid();
  std::vector<std::string> hosts;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const InstancePtr r = rig_.Get(uuid);
    EXPECT_EQ(r->generation, attempt);
    EXPECT_EQ(r->vm_state, VmState::kBuilding);
    hosts.push_back(r->host);
    const auto sent = rig_.Deliver();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].host, r->host);
    EXPECT_THAT(sent[0].body, testing::HasSubstr("pw=s3cret"));
    EXPECT_THAT(sent[0].body, testing::HasSubstr(" a" + std::to_string(attempt)));
    rig_.CheckInvariants();
    rig_.Fail(uuid, "build", "HOST_DISK_FULL", true);
  }
  EXPECT_EQ(std::set(hosts.begin(), hosts.end()).size(), 3U);
  const InstancePtr r = rig_.Get(uuid);
  EXPECT_EQ(r->vm_state, VmState::kError);
  EXPECT_EQ(r->fault->reason, "MAX_RETRIES_EXCEEDED");
  EXPECT_THAT(r->fault->message, testing::HasSubstr("HOST_DISK_FULL"));
  EXPECT_EQ(r->attempts.size(), 3U);
  EXPECT_EQ(*rig_.store->AdminPassword(uuid), "");
  EXPECT_FALSE(rig_.engine->GetClaim(uuid).has_value());
  rig_.CheckInvariants();
}

TEST_F(Lifecycle, ABuildWhoseRequestIsAtFault_IsNotTriedElsewhere) {
  const InstancePtr r = rig_.Create("one");
  rig_.Fail(r->uuid(), "build", "IMAGE_UNSAFE", false);
  const InstancePtr after = rig_.Get(r->uuid());
  EXPECT_EQ(after->vm_state, VmState::kError);
  EXPECT_EQ(after->fault->reason, "IMAGE_UNSAFE");
  EXPECT_EQ(after->host, "");
  rig_.CheckInvariants();
}

TEST_F(Lifecycle, AlternatesThatWentAway_AreReplacedByANewDecision) {
  const InstancePtr r = rig_.Create("one");
  for (const HostRef& alternate : r->alternates) {
    rig_.conductor->SessionEnded(rig_.sessions[alternate.host]);
  }
  rig_.HostUp("d");
  rig_.Fail(r->uuid(), "build", "HOST_DISK_FULL", true);
  EXPECT_EQ(rig_.Get(r->uuid())->host, "d");
  rig_.CheckInvariants();
}

TEST_F(Lifecycle, TheOldHostsPermission_EndsWithTheMove) {
  const InstancePtr r = rig_.Create("one");
  rig_.Fail(r->uuid(), "build", "HOST_DISK_FULL", true);
  const InstancePtr moved = rig_.Get(r->uuid());
  EXPECT_TRUE(HasReason(conductor().ConfirmStart(r->host, r->uuid(), 1), reason::kClaimStale));
  EXPECT_TRUE(HasReason(conductor().ConfirmStart(r->host, r->uuid(), 2), reason::kClaimStale));
  EXPECT_TRUE(conductor().ConfirmStart(moved->host, r->uuid(), 2).ok());
  EXPECT_TRUE(conductor().ConfirmStart(moved->host, r->uuid(), 2).ok());
  EXPECT_TRUE(HasReason(conductor().ConfirmStart("a", Uuid::Random(), 1), reason::kClaimStale));
}

TEST_F(Lifecycle, ReportsOfAnOldGeneration_OrSaidBefore_ChangeNothing) {
  const InstancePtr r = rig_.Create("one");
  const auto old = rig_.ReportOf(*r, "build", model::Outcome::kDone, PowerState::kRunning);
  rig_.Fail(r->uuid(), "build", "HOST_DISK_FULL", true);
  auto late = old;
  late.seq = ++rig_.seqs[r->host];
  EXPECT_EQ(*rig_.Send(r->host, late), late.seq);  // heard, and not applied
  EXPECT_EQ(rig_.Get(r->uuid())->vm_state, VmState::kBuilding);
  EXPECT_EQ(*rig_.Send(r->host, old), late.seq);  // its number is behind us
  EXPECT_EQ(rig_.Get(r->uuid())->vm_state, VmState::kBuilding);
}

TEST_F(Lifecycle, ABatchOfReports_IsAppliedInOrderAndAckedOnce) {
  const InstancePtr r = rig_.Create("one");
  std::vector<model::StateReport> batch;
  batch.push_back(rig_.ReportOf(*r, "build", model::Outcome::kProgress, PowerState::kNoState));
  batch.back().task_state = TaskState::kNetworking;
  batch.push_back(rig_.ReportOf(*r, "build", model::Outcome::kDone, PowerState::kRunning));
  batch.push_back(rig_.ReportOf(*r, "", model::Outcome::kObserved, PowerState::kShutdown));
  const auto ack = conductor().HandleStateReports(rig_.sessions[r->host], batch);
  ASSERT_TRUE(ack.ok());
  EXPECT_EQ(*ack, 3);
  EXPECT_EQ(rig_.Get(r->uuid())->vm_state, VmState::kStopped);
  EXPECT_EQ(rig_.Get(r->uuid())->revision, r->revision + 3);
}

TEST_F(Lifecycle, AGuestThatGoesDown_IsStopped) {
  const Uuid uuid = rig_.Active("one")->uuid();
  rig_.Observe(uuid, PowerState::kShutdown);
  EXPECT_EQ(rig_.Get(uuid)->vm_state, VmState::kStopped);
  ASSERT_TRUE(conductor().StartInstance(uuid.str(), "").ok());
  rig_.Observe(uuid, PowerState::kRunning);  // under way: left alone
  EXPECT_EQ(rig_.Get(uuid)->task_state, TaskState::kPoweringOn);
  rig_.Done(uuid, "start");
  rig_.Observe(uuid, PowerState::kCrashed);
  EXPECT_EQ(rig_.Get(uuid)->vm_state, VmState::kStopped);
  EXPECT_EQ(rig_.Get(uuid)->power_state, PowerState::kCrashed);
}

TEST_F(Lifecycle, AGuestThatRunsUnasked_IsStopped) {
  const Uuid uuid = rig_.Active("one")->uuid();
  rig_.Observe(uuid, PowerState::kShutdown);
  rig_.Observe(uuid, PowerState::kRunning);
  EXPECT_EQ(rig_.Get(uuid)->task_state, TaskState::kPoweringOff);
  const auto sent = rig_.Deliver();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].method, "stop_instance");
}

TEST_F(Lifecycle, AHostileFault_IsNotShown) {
  const InstancePtr r = rig_.Create("one");
  auto report = rig_.ReportOf(*r, "build", model::Outcome::kFailed, PowerState::kNoState);
  report.fault = model::Fault{"no such <reason>", "bell \a and escape \x1b[0m", false};
  ASSERT_TRUE(rig_.Send(r->host, report).ok());
  EXPECT_EQ(rig_.Get(r->uuid())->fault->reason, "INTERNAL");
  EXPECT_EQ(rig_.Get(r->uuid())->fault->message.find('\a'), std::string::npos);
}

TEST_F(Lifecycle, AnUnroutableBuild_GoesToAnotherHost) {
  const InstancePtr r = rig_.Create("one");
  auto& outbox = conductor().outbox();
  const auto rows = outbox.Take(10, std::chrono::milliseconds(0));
  ASSERT_EQ(rows.size(), 1U);
  outbox.Returned(std::vector{rows[0].id});
  const InstancePtr moved = rig_.Get(r->uuid());
  EXPECT_NE(moved->host, r->host);
  EXPECT_EQ(moved->generation, 2);
  ASSERT_EQ(moved->attempts.size(), 1U);
  EXPECT_EQ(moved->attempts[0].reason, "HOST_UNROUTABLE");
  const auto again = rig_.Deliver();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].host, moved->host);
  rig_.CheckInvariants();
}

TEST_F(Lifecycle, AnUnroutableAction_WaitsForItsHost) {
  const Uuid uuid = rig_.Active("one")->uuid();
  ASSERT_TRUE(conductor().DeleteInstance(uuid.str(), "").ok());
  auto& outbox = conductor().outbox();
  const auto rows = outbox.Take(10, std::chrono::milliseconds(0));
  ASSERT_EQ(rows.size(), 1U);
  outbox.Returned(std::vector{rows[0].id});
  EXPECT_TRUE(outbox.Take(10, std::chrono::milliseconds(0)).empty());
  rig_.clock.Advance(std::chrono::seconds(2));
  conductor().Tick();
  const auto again = outbox.Take(10, std::chrono::milliseconds(0));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].unique_id, rows[0].unique_id);
}

TEST_F(Lifecycle, AnUnroutableBuildThatIsBeingDeleted_IsGone) {
  const InstancePtr r = rig_.Create("one");
  auto& outbox = conductor().outbox();
  const auto rows = outbox.Take(10, std::chrono::milliseconds(0));
  ASSERT_TRUE(conductor().DeleteInstance(r->uuid().str(), "").ok());
  // Its terminate must not overtake the build.
  EXPECT_TRUE(outbox.Take(10, std::chrono::milliseconds(0)).empty());
  outbox.Returned(std::vector{rows[0].id});
  EXPECT_TRUE(rig_.Get(r->uuid())->deleted());
  EXPECT_EQ(outbox.Pending(), 0U);
  rig_.CheckInvariants();
}

TEST_F(Lifecycle, AMessageThatFailed_IsOfferedAgainUnchanged) {
  rig_.Create("one");
  auto& outbox = conductor().outbox();
  const auto first = outbox.Take(10, std::chrono::milliseconds(0));
  ASSERT_EQ(first.size(), 1U);
  outbox.Failed(std::vector{first[0].id});
  const auto second = outbox.Take(10, std::chrono::milliseconds(0));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(first[0], second[0]);
}

TEST_F(Lifecycle, BuildsThatFail_CountAgainstTheirHost_UntilOneDoesNot) {
  const auto failed = [&](const std::string& host) {
    const auto& stats = conductor().GetHost(host)->row.report.stats;
    const auto found = stats.find("failed_builds");
    return found == stats.end() ? std::string() : found->second;
  };
  const InstancePtr first = rig_.Create("first");
  const std::string host = first->host;
  rig_.Fail(first->uuid(), "build", "HOST_DISK_FULL", false);
  EXPECT_EQ(failed(host), "1");
  // The emptiest host now, and yet the last choice.
  for (int i = 0; i < 3; ++i) EXPECT_NE(rig_.Create("next" + std::to_string(i))->host, host);
  HostUpdate update{Rig::Report(host), {}, {}};
  ASSERT_TRUE(conductor().HostReported(rig_.sessions[host], update).ok());
  EXPECT_EQ(failed(host), "1");
  rig_.HostUp(host);
  EXPECT_EQ(failed(host), "1");
  auto forced = Rig::Request("forced");
  forced.instance.availability_zone = "nova:" + host;
  for (const bool works : {false, true}) {
    forced.request_id += "x";
    const auto made = conductor().CreateInstances(forced);
    ASSERT_TRUE(made.ok());
    const Uuid uuid = made->front()->uuid();
    if (works) {
      rig_.Done(uuid, "build");
    } else {
      rig_.Fail(uuid, "build", "HOST_DISK_FULL", false);
    }
    EXPECT_EQ(failed(host), works ? "" : "2");
  }
}

TEST_F(Lifecycle, AForcedHost_IsNotLeft) {
  auto request = Rig::Request("forced");
  request.instance.availability_zone = "nova:b";
  const auto made = conductor().CreateInstances(request);
  ASSERT_TRUE(made.ok());
  rig_.Fail(made->front()->uuid(), "build", "HOST_DISK_FULL", true);
  const InstancePtr r = rig_.Get(made->front()->uuid());
  EXPECT_EQ(r->vm_state, VmState::kError);
  EXPECT_EQ(r->fault->reason, "HOST_DISK_FULL");
}

}  // namespace
}  // namespace kilonova::scheduler::core
