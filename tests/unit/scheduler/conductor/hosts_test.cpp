// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using model::PowerState;

class Hosts : public ConductorTest {};

TEST_F(Hosts, ALease_RunsOutOnTheSteadyClock) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  rig_.clock.Advance(std::chrono::seconds(14));
  EXPECT_TRUE(rig_.conductor->HostHeartbeat(rig_.sessions["a"], {{"x", 1}}).ok());
  rig_.clock.Advance(std::chrono::seconds(14));
  rig_.conductor->Tick();
  EXPECT_TRUE(rig_.conductor->GetHost("a")->up);
  EXPECT_EQ(rig_.conductor->GetHost("a")->counters.at("x"), 1);
  rig_.clock.Advance(std::chrono::seconds(2));
  rig_.conductor->Tick();
  EXPECT_FALSE(rig_.conductor->GetHost("a")->up);
  EXPECT_EQ(rig_.conductor->HostHeartbeat(rig_.sessions["a"], {}).code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(rig_.Create("one")->vm_state, model::VmState::kError);
}

TEST_F(Hosts, AnEndedSession_TakesTheHostDownAtOnceAndLeavesItsInstances) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  const InstancePtr r = rig_.Active("one");
  rig_.conductor->SessionEnded(rig_.sessions["a"]);
  EXPECT_FALSE(rig_.conductor->GetHost("a")->up);
  EXPECT_EQ(rig_.Get(r->uuid())->vm_state, model::VmState::kActive);
  rig_.CheckInvariants();
}

TEST_F(Hosts, ASecondSession_EndsTheFirst) {
  rig_.HostUp("a");
  const Uuid first = rig_.sessions["a"];
  rig_.HostUp("a");
  EXPECT_FALSE(rig_.conductor->HostHeartbeat(first, {}).ok());
  rig_.conductor->SessionEnded(first);  // the old stream's end is not the host's
  EXPECT_TRUE(rig_.conductor->GetHost("a")->up);
}

TEST_F(Hosts, DisabledAndDegraded_TakeNothingNew) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  ASSERT_TRUE(rig_.conductor->DisableHost("a", "disk swap").ok());
  EXPECT_FALSE(rig_.conductor->DisableHost("a", "").ok());
  EXPECT_EQ(rig_.Create("one")->vm_state, model::VmState::kError);
  rig_.Restart();
  rig_.HostUp("a");
  EXPECT_EQ(rig_.conductor->GetHost("a")->row.disabled_reason, "disk swap");
  EXPECT_EQ(rig_.Create("two")->vm_state, model::VmState::kError);
  ASSERT_TRUE(rig_.conductor->EnableHost("a").ok());
  EXPECT_EQ(rig_.Create("three")->vm_state, model::VmState::kBuilding);
  HostUpdate sick{Rig::Report("a"), {}, {}};
  sick.report.degraded = {"HYPERVISOR_UNAVAILABLE"};
  ASSERT_TRUE(rig_.conductor->HostReported(rig_.sessions["a"], sick).ok());
  EXPECT_EQ(rig_.Create("four")->vm_state, model::VmState::kError);
  ASSERT_TRUE(rig_.conductor->HostReported(rig_.sessions["a"], {Rig::Report("a"), {}, {}}).ok());
  EXPECT_EQ(rig_.Create("five")->vm_state, model::VmState::kBuilding);
}

TEST_F(Hosts, AReportOfAnotherHost_IsRefused) {
  rig_.HostUp("a");
  EXPECT_TRUE(
      HasReason(rig_.conductor->HostReported(rig_.sessions["a"], {Rig::Report("b"), {}, {}}),
                reason::kHostIdentityMismatch));
}

TEST_F(Hosts, WhatIsOver_IsStale) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  const InstancePtr running = rig_.Active("running");
  const InstancePtr deleted = rig_.Create("deleted");
  ASSERT_TRUE(rig_.conductor->DeleteInstance(deleted->uuid().str(), "").ok());
  const Uuid unknown = Uuid::Random();
  const auto welcome = rig_.HostUp("a", {{running->uuid(), 1, PowerState::kRunning, false},
                                         {deleted->uuid(), 1, PowerState::kRunning, false},
                                         {unknown, 3, PowerState::kNoState, true},
                                         {Uuid::Random(), 0, PowerState::kRunning, false}});
  ASSERT_EQ(welcome.stale.size(), 2U);
  EXPECT_EQ(welcome.stale[0].uuid, deleted->uuid());
  EXPECT_EQ(welcome.stale[1].uuid, unknown);
  EXPECT_EQ(welcome.stale[1].generation, 3);
}

TEST_F(Hosts, ABuildThatMovedOn_IsStaleOnItsOldHost) {
  rig_.HostUp("a");
  rig_.HostUp("b");
  rig_.AddCatalog();
  const InstancePtr r = rig_.Create("one");
  rig_.Fail(r->uuid(), "build", "HOST_DISK_FULL", true);
  const auto old = rig_.HostUp(r->host, {{r->uuid(), 1, PowerState::kRunning, true}});
  ASSERT_EQ(old.stale.size(), 1U);
  const auto now =
      rig_.HostUp(rig_.Get(r->uuid())->host, {{r->uuid(), 2, PowerState::kRunning, true}});
  EXPECT_TRUE(now.stale.empty());
}

TEST_F(Hosts, ADatabaseThatWasLost_RemovesNoGuestAtAnyHello) {
  const Uuid guest = Uuid::Random();
  const Uuid stopped = Uuid::Random();
  for (int hello = 0; hello < 3; ++hello) {
    const auto welcome = rig_.HostUp(
        "a", {{guest, 1, PowerState::kRunning, false}, {stopped, 1, PowerState::kShutdown, false}});
    EXPECT_TRUE(welcome.stale.empty()) << hello;
  }
}

TEST_F(Hosts, AnInstanceItsHostDoesNotHave_KeepsItsStateWithoutPower) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  const InstancePtr r = rig_.Active("one");
  rig_.HostUp("a", {});
  EXPECT_EQ(rig_.Get(r->uuid())->vm_state, model::VmState::kActive);
  EXPECT_EQ(rig_.Get(r->uuid())->power_state, PowerState::kNoState);
  rig_.HostUp("a", {{r->uuid(), 1, PowerState::kRunning, false}});
  EXPECT_EQ(rig_.Get(r->uuid())->power_state, PowerState::kRunning);
}

TEST_F(Hosts, AJournal_RemembersItsLastNumberOverRestarts) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  rig_.Active("one");
  rig_.Restart();
  EXPECT_FALSE(rig_.conductor->GetHost("a")->up);
  EXPECT_EQ(rig_.HostUp("a").last_seq, 1);
  rig_.journals["a"] = Uuid::Random().str();
  EXPECT_EQ(rig_.HostUp("a").last_seq, 0);
}

TEST_F(Hosts, NonsenseIsRefused) {
  HostHello hello;
  hello.report = Rig::Report("../a");
  hello.journal_id = Uuid::Random().str();
  EXPECT_EQ(rig_.conductor->HostUp(hello).status().code(), Code::kInvalidArgument);
  hello.report = Rig::Report("a");
  hello.journal_id = "mine";
  EXPECT_EQ(rig_.conductor->HostUp(hello).status().code(), Code::kInvalidArgument);
  hello.journal_id = Uuid::Random().str();
  hello.report.inventories["VCPU"].total = -1;
  EXPECT_FALSE(rig_.conductor->HostUp(hello).ok());
  EXPECT_FALSE(rig_.conductor->GetHost("a").ok());
}

TEST_F(Hosts, OldRequests_AreForgottenInMemoryExactlyWhenTheStoreForgetsThem) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  // More than one round of pruning takes.
  std::vector<Op> ops;
  for (int i = 0; i < 2500; ++i) {
    ops.emplace_back(PutRequest{{"old-" + std::to_string(i), "digest", {}, rig_.clock.Now()}});
  }
  ASSERT_TRUE(rig_.store->Commit(std::move(ops)).ok());
  const InstancePtr first = rig_.Create("one");
  rig_.clock.Advance(std::chrono::hours(25));
  rig_.conductor->Tick();
  EXPECT_TRUE(LoadAll(*rig_.store)->requests.empty());
  rig_.HostUp("a");
  // The id is free again.
  const InstancePtr second = rig_.Create("one");
  ASSERT_NE(second, nullptr);
  EXPECT_NE(second->uuid(), first->uuid());
}

TEST_F(Hosts, AHostThatNamesNoZone_IsInTheDefaultOne) {
  TempDir dir;
  ConductorOptions options;
  options.default_availability_zone = "here";
  Rig rig(dir.File("state.db"), options);
  rig.HostUp("a");
  rig.AddCatalog();
  EXPECT_EQ(rig.conductor->GetHost("a")->row.report.availability_zone, "here");
  EXPECT_EQ(rig.Create("one")->availability_zone, "here");
}

TEST_F(Hosts, TheirAddresses_AreWhatRequestsAreNearTo) {
  rig_.extend = [](Pipeline& pipeline) {
    pipeline.filters.push_back(
        std::move(filters::MakeFilters({"SimpleCIDRAffinityFilter"}, {}).value().front()));
  };
  rig_.Restart();
  rig_.AddCatalog();
  for (const auto& [name, address] : {std::pair{"a", "10.0.1.5"}, {"b", "10.0.2.5"}}) {
    rig_.HostUp(name);
    HostUpdate update{Rig::Report(name), {}, {}};
    update.report.stats["host_ip"] = address;
    ASSERT_TRUE(rig_.conductor->HostReported(rig_.sessions[name], update).ok());
  }
  for (int i = 0; i < 3; ++i) {
    CreateRequest request = Rig::Request("near" + std::to_string(i));
    request.instance.hints["build_near_host_ip"] = {"10.0.2.77"};
    const auto made = rig_.conductor->CreateInstances(request);
    ASSERT_TRUE(made.ok()) << Describe(made.status());
    EXPECT_EQ(made->front()->host, "b");
  }
}

TEST_F(Hosts, AreListedByNameInPages) {
  for (const char* name : {"c", "a", "b"}) rig_.HostUp(name);
  auto page = rig_.conductor->ListHosts({2, ""});
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_EQ(page->items[1].row.name, "b");
  page = rig_.conductor->ListHosts({2, page->next_page_token});
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(page->next_page_token, "");
  EXPECT_TRUE(HasReason(rig_.conductor->ListHosts({2, "zz"}).status(), reason::kPageTokenInvalid));
}

// A host reports every few seconds: what it uses now is not worth a sync, what it is is.
TEST_F(Hosts, AReportOfUsage_WritesNothing) {
  rig_.AddCatalog();
  rig_.HostUp("a");
  const InstancePtr guest = rig_.Active("1");
  std::vector<model::HostInstance> instances{
      {guest->uuid(), guest->generation, model::PowerState::kRunning, false, guest->spec.id, {}}};
  // All that SQLite writes goes to its log first.
  const auto log = [&] {
    std::ifstream file(dir_.File("state.db-wal"), std::ios::binary);
    std::stringstream all;
    all << file.rdbuf();
    return all.str();
  };
  HostUpdate update{Rig::Report("a"), instances, {{"builds", 1}}};
  ASSERT_TRUE(rig_.conductor->HostReported(rig_.sessions["a"], update).ok());
  const std::string before = log();
  ASSERT_FALSE(before.empty());
  for (int i = 1; i <= 100; ++i) {
    update.report.free_disk_gb = 500 - i;
    update.report.free_memory_mb = 30000 - i;
    update.report.running_instances = i % 2;
    update.counters["builds"] = i;
    ASSERT_TRUE(rig_.conductor->HostReported(rig_.sessions["a"], update).ok());
    ASSERT_TRUE(rig_.conductor->HostHeartbeat(rig_.sessions["a"], update.counters).ok());
  }
  EXPECT_TRUE(log() == before);
  const auto view = rig_.conductor->GetHost("a");
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->row.report.free_disk_gb, 400);
  EXPECT_EQ(view->counters.at("builds"), 100);
  update.report.traits = {"HW_CPU_X86_AVX2"};
  ASSERT_TRUE(rig_.conductor->HostReported(rig_.sessions["a"], update).ok());
  EXPECT_FALSE(log() == before);
  rig_.Restart();
  EXPECT_EQ(rig_.conductor->GetHost("a")->row.report.traits, update.report.traits);
}

}  // namespace
}  // namespace kilonova::scheduler::core
