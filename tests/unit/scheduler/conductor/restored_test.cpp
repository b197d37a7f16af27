// SPDX-License-Identifier: Apache-2.0
// What a start of the scheduler must not break: hosts that are not back yet, and guests made after
// the backup that was restored.
#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using model::PowerState;

class Restored : public ConductorTest {
 protected:
  static model::HostInstance GuestOf(const InstanceRecord& r) {
    model::HostInstance guest{r.uuid(), r.generation, PowerState::kRunning, false, r.spec.id, {}};
    for (const auto& nic : r.nics) {
      guest.addresses.emplace_back(nic.network_id, nic.fixed_ips.at(0).address);
    }
    return guest;
  }
  void Save() {
    rig_.Close();
    std::filesystem::copy_file(dir_.File("state.db"), dir_.File("backup"));
    rig_.Open();
  }
  void Restore() {
    rig_.Close();
    std::filesystem::copy_file(dir_.File("backup"), dir_.File("state.db"),
                               std::filesystem::copy_options::overwrite_existing);
    rig_.Open();
  }
  std::string AddressOf(const InstanceRecord& r) { return r.nics.at(0).fixed_ips.at(0).address; }
};

TEST_F(Restored, NumbersAndAddressesOfUnknownGuests_AreNotGivenAgain) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  rig_.Active("old");
  Save();
  rig_.HostUp("a");
  const InstancePtr lost = rig_.Active("lost");
  const model::HostInstance guest = GuestOf(*lost);
  Restore();
  const auto welcome = rig_.HostUp("a", {guest});
  EXPECT_TRUE(welcome.stale.empty());
  const InstancePtr next = rig_.Active("next");
  EXPECT_GT(next->spec.id, lost->spec.id);
  EXPECT_NE(AddressOf(*next), AddressOf(*lost));
  // Known from the disk, before the host is back.
  rig_.Restart();
  rig_.HostUp("b");
  const InstancePtr after = rig_.Create("after");
  EXPECT_NE(AddressOf(*after), AddressOf(*lost));
  EXPECT_GT(after->spec.id, next->spec.id);
  rig_.CheckInvariants();
  // Free again once the host no longer has the guest.
  rig_.HostUp("a", {guest});
  ASSERT_TRUE(rig_.conductor->HostReported(rig_.sessions["a"], {Rig::Report("a"), {}, {}}).ok());
  EXPECT_EQ(AddressOf(*rig_.Create("freed")), AddressOf(*lost));
  rig_.Restart();
  EXPECT_TRUE(LoadAll(*rig_.store)->reserved.empty());
}

TEST_F(Restored, ALaterReport_ReservesToo) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  const InstancePtr first = rig_.Create("first");
  model::HostInstance guest{Uuid::Random(), 3, PowerState::kRunning, false, 77, {}};
  guest.addresses.emplace_back(first->nics[0].network_id, "10.20.0.3");
  guest.addresses.emplace_back(Uuid::Random(), "10.20.0.4");  // of a network nobody knows
  ASSERT_TRUE(
      rig_.conductor->HostReported(rig_.sessions["a"], {Rig::Report("a"), {guest}, {}}).ok());
  const InstancePtr second = rig_.Create("second");
  EXPECT_EQ(second->spec.id, 78);
  EXPECT_EQ(AddressOf(*second), "10.20.0.4");
}

TEST_F(Restored, AnAddressThatWasGivenAlready_StaysWhereItIs) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  const InstancePtr first = rig_.Create("first");
  model::HostInstance guest{Uuid::Random(), 1, PowerState::kRunning, false, 1, {}};
  guest.addresses.emplace_back(first->nics[0].network_id, AddressOf(*first));
  rig_.HostUp("a", {guest});
  rig_.HostUp("a", {});
  EXPECT_NE(AddressOf(*rig_.Create("second")), AddressOf(*first));
  rig_.CheckInvariants();
}

TEST_F(Restored, ADeletedInstance_IsNotUnknown) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  const InstancePtr r = rig_.Create("r");
  const model::HostInstance guest = GuestOf(*r);
  ASSERT_TRUE(rig_.conductor->DeleteInstance(r->uuid().str(), "").ok());
  ASSERT_TRUE(
      rig_.conductor->HostReported(rig_.sessions["a"], {Rig::Report("a"), {guest}, {}}).ok());
  EXPECT_TRUE(LoadAll(*rig_.store)->reserved.empty());
  EXPECT_EQ(AddressOf(*rig_.Create("again")), AddressOf(*r));
}

// ---- hosts that are not back yet

class Gathering : public Restored {
 protected:
  void SetUp() override {
    rig_.HostUp("a");
    rig_.HostUp("b");
    rig_.AddCatalog();
    rig_.Restart();
  }
};

TEST_F(Gathering, ACreationThatNobodyTakesYet_WaitsForItsHost) {
  InstancePtr made;
  std::jthread client([&] { made = rig_.Create("one"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // most likely waiting by now
  rig_.HostUp("b");
  client.join();
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->vm_state, model::VmState::kBuilding);
  EXPECT_EQ(made->host, "b");
  rig_.CheckInvariants();
}

TEST_F(Gathering, WhatFits_IsNotHeld) {
  rig_.HostUp("a");
  EXPECT_EQ(rig_.Create("one")->host, "a");
}

TEST_F(Gathering, IsOver_WhenAllAreBack) {
  rig_.HostUp("a", {}, 1);
  rig_.HostUp("b", {}, 1);
  auto request = Rig::Request("big", 1);
  request.instance.hints["same_host"] = {Uuid::Random().str()};
  EXPECT_EQ(rig_.conductor->CreateInstances(request)->front()->vm_state, model::VmState::kError);
}

TEST_F(Gathering, IsOver_AfterALease) {
  InstancePtr made;
  std::jthread client([&] { made = rig_.Create("one"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  rig_.clock.Advance(std::chrono::seconds(16));
  rig_.conductor->Tick();
  client.join();
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->vm_state, model::VmState::kError);
  EXPECT_EQ(made->fault->reason, "NO_VALID_HOST");
}

TEST_F(Gathering, ADisabledHost_IsNotWaitedFor) {
  rig_.HostUp("a");
  rig_.HostUp("b");
  ASSERT_TRUE(rig_.conductor->DisableHost("a", "x").ok());
  ASSERT_TRUE(rig_.conductor->DisableHost("b", "x").ok());
  rig_.Restart();
  EXPECT_EQ(rig_.Create("one")->vm_state, model::VmState::kError);
}

TEST(GatheringBound, MoreThanMayWait_AreToldToComeAgain) {
  TempDir dir;
  ConductorOptions options;
  options.most_held = 0;
  Rig rig(dir.File("state.db"), options);
  rig.HostUp("a");
  rig.AddCatalog();
  rig.Restart();
  const auto refused = rig.conductor->CreateInstances(Rig::Request("one"));
  EXPECT_EQ(refused.status().code(), Code::kUnavailable);
  EXPECT_TRUE(HasReason(refused.status(), reason::kHostDown));
  rig.HostUp("a");
  EXPECT_EQ(rig.Create("one")->host, "a");  // the id is free: nothing was left of the first try
}

}  // namespace
}  // namespace kilonova::scheduler::core
