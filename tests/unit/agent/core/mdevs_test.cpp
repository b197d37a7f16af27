// SPDX-License-Identifier: Apache-2.0
// Mediated devices of guests, from the claim to what is left of them. The fake hypervisor starts no
// guest whose device is not there or another guest's.
#include "agent/core/mdevs.h"

#include <gmock/gmock.h>

#include <set>

#include "agent/core/mdev_providers.h"
#include "tests/support/agent_harness.h"

namespace kilonova::testing {
namespace {

using agent::core::MdevProviders;
using agent::core::MdevsWanted;
using hardware::Mdev;
using hardware::MdevRequest;
using model::VmState;
using ::testing::ElementsAre;

constexpr const char* kSix = "pci_0000_06_00_0";
constexpr const char* kSeven = "pci_0000_07_00_0";
const std::string kAtSix = "vgpu@host1_pci_0000_06_00_0";
const std::string kAtSeven = "vgpu@host1_pci_0000_07_00_0";

TEST(MdevProviders, AreNamedAsNovaNamesThem) {
  const auto types =
      hardware::MdevTypes::From({{"nvidia-35", {"0000:06:00.0"}, "VGPU", {"CUSTOM_SMALL"}},
                                 {"nvidia-36", {"0000:07:00.0"}, "CUSTOM_BIG", {}}});
  ASSERT_TRUE(types.ok());
  const auto providers = MdevProviders(
      *types, {{{kSix, {{"nvidia-35", 4}}}, {kSeven, {{"nvidia-36", 2}}}}, {}, {}}, "node.x");
  ASSERT_EQ(providers.size(), 2U);
  EXPECT_EQ(providers[0].name, "node.x_pci_0000_06_00_0");
  EXPECT_EQ(providers[0].parent, "");
  EXPECT_EQ(providers[0].inventories.at("VGPU").total, 4);
  EXPECT_THAT(providers[0].traits, ElementsAre("CUSTOM_SMALL"));
  EXPECT_EQ(providers[1].inventories.at("CUSTOM_BIG").total, 2);
}

TEST(MdevsWanted, TheClaimGoesBeforeTheFlavor) {
  const auto types = *hardware::MdevTypes::From({{.type = "nvidia-35"}});
  model::BuildRequest build;
  EXPECT_TRUE(MdevsWanted(build, types, "n").empty());
  build.flavor.extra_specs = {{"resources:VGPU", "1"}};
  EXPECT_THAT(MdevsWanted(build, types, "n"), ElementsAre(MdevRequest{"", "VGPU", 1}));
  build.allocations["n_NUMA0"] = {{"MEMORY_MB", 512}};
  EXPECT_THAT(MdevsWanted(build, types, "n"), ElementsAre(MdevRequest{"", "VGPU", 1}));
  build.allocations["n_pci_0000_06_00_0"] = {{"VGPU", 2}};
  EXPECT_THAT(MdevsWanted(build, types, "n"), ElementsAre(MdevRequest{kSix, "VGPU", 2}));
  // Of a name the host no longer has: nothing of its own.
  EXPECT_THAT(MdevsWanted(build, types, "m"),
              ElementsAre(MdevRequest{"n_pci_0000_06_00_0", "VGPU", 2}));
}

class Mdevs : public AgentHarness {
 protected:
  Mdevs() {
    settings_.mdev_types = *hardware::MdevTypes::From({{.type = "nvidia-35"}});
    hypervisor_.SetGpus({kSix, kSeven}, 2);
    model::Flavor flavor = TinyFlavor();
    flavor.extra_specs["resources:VGPU"] = "1";
    control_plane_.AddTemplate(flavor);
  }
  VmState Build(int n, const std::string& what) {
    Send("build", n, 1, what);
    Settle();
    return LastReport(n).vm_state;
  }
  std::vector<Mdev> Of(int n) { return Record(n).value_or(agent::core::InstanceRecord{}).mdevs; }
  bool InXml(int n, const Mdev& mdev) {
    return hypervisor_.Xml(NthUuid(n)).find("<mdev>" + mdev.uuid.str() + "</mdev>") !=
           std::string::npos;
  }
};

TEST_F(Mdevs, AGuestGetsOneOfTheGpuItsClaimNames) {
  Boot();
  ASSERT_EQ(Build(1, kAtSeven), VmState::kActive);
  ASSERT_EQ(Of(1).size(), 1U);
  EXPECT_EQ(Of(1)[0].parent, kSeven);
  EXPECT_EQ(Of(1)[0].type, "nvidia-35");
  EXPECT_TRUE(InXml(1, Of(1)[0]));
  EXPECT_EQ(Counter("mdevs.created"), 1);
  // What is there and what can be made is always four: two of each.
  const auto report = agent_->Report();
  ASSERT_EQ(report->nested.size(), 2U);
  for (const auto& provider : report->nested) {
    EXPECT_EQ(provider.inventories.at("VGPU").total, 2) << provider.name;
  }
  EXPECT_EQ(report->nested[0].name, "host1_pci_0000_06_00_0");
  // When it goes its device stays, and the next guest of that GPU has it.
  const Mdev first = Of(1)[0];
  Send("terminate", 1);
  Settle();
  EXPECT_THAT(hypervisor_.MdevsThere(), ElementsAre(first));
  ASSERT_EQ(Build(2, kAtSeven), VmState::kActive);
  EXPECT_THAT(Of(2), ElementsAre(first));
  EXPECT_EQ(Counter("mdevs.created"), 1);
}

TEST_F(Mdevs, WithoutAWordOfTheClaimAnyGpuThatHasRoom) {
  Boot();
  for (int n = 1; n <= 4; ++n) EXPECT_EQ(Build(n, "vgpu"), VmState::kActive) << n;
  EXPECT_EQ(hypervisor_.MdevsThere().size(), 4U);
  EXPECT_EQ(Build(5, "vgpu"), VmState::kError);
  EXPECT_EQ(LastReport(5).fault->reason, "HOST_RESOURCES_EXHAUSTED");
  EXPECT_TRUE(LastReport(5).fault->retryable);
  EXPECT_FALSE(Record(5));
}

TEST_F(Mdevs, AGpuThatIsGoneOrFullIsAnotherHostsToGive) {
  Boot();
  EXPECT_EQ(Build(1, "vgpu@host1_pci_0000_99_00_0"), VmState::kError);
  EXPECT_TRUE(LastReport(1).fault->retryable);
  EXPECT_EQ(Build(2, kAtSix), VmState::kActive);
  EXPECT_EQ(Build(3, kAtSix), VmState::kActive);
  EXPECT_EQ(Build(4, kAtSix), VmState::kError);
  EXPECT_EQ(Build(5, kAtSeven), VmState::kActive);
  EXPECT_FALSE(DirExists(4));
}

TEST_F(Mdevs, ManyAtOnceGetDifferentOnes) {
  settings_.workers = 8;
  hypervisor_.SetGpus({kSix, kSeven}, 8);
  Boot();
  for (int n = 1; n <= 18; ++n) Send("build", n, 1, n % 2 == 0 ? kAtSix : kAtSeven);
  Settle();
  std::set<Uuid> uuids;
  int active = 0;
  for (int n = 1; n <= 18; ++n) {
    if (LastReport(n).vm_state != VmState::kActive) continue;
    ++active;
    ASSERT_EQ(Of(n).size(), 1U);
    EXPECT_TRUE(uuids.insert(Of(n)[0].uuid).second) << n;
  }
  EXPECT_EQ(active, 16);
  EXPECT_EQ(hypervisor_.MdevsThere().size(), 16U);
  // And while others go.
  for (int n = 1; n <= 18; ++n) Send("terminate", n);
  for (int n = 21; n <= 36; ++n) Send("build", n, 1, n % 2 == 0 ? kAtSix : kAtSeven);
  Settle();
  uuids.clear();
  for (int n = 21; n <= 36; ++n) {
    for (const Mdev& mdev : Of(n)) EXPECT_TRUE(uuids.insert(mdev.uuid).second) << n;
  }
  EXPECT_LE(hypervisor_.MdevsThere().size(), 16U);
}

TEST_F(Mdevs, TheyAreKeptOverARestartAndMadeAgainAfterTheMachines) {
  Boot();
  ASSERT_EQ(Build(1, kAtSix), VmState::kActive);
  ASSERT_EQ(Build(2, kAtSix), VmState::kActive);
  const Mdev first = Of(1)[0];
  Send("stop_hard", 1);
  Settle();
  Restart();
  Settle();
  EXPECT_EQ(Build(3, kAtSix), VmState::kError);  // a guest that is off has what it has
  hypervisor_.GuestPowersOff(NthUuid(2));
  Settle();
  hypervisor_.ForgetMdevs();
  Restart();
  Settle();
  EXPECT_EQ(hypervisor_.MdevsThere().size(), 2U);  // at the agent's start
  hypervisor_.ForgetMdevs();
  Send("start", 1);
  Settle();
  EXPECT_TRUE(hypervisor_.Running(NthUuid(1)));
  EXPECT_THAT(Of(1), ElementsAre(first));
  Send("reboot_hard", 1);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_TRUE(InXml(1, first));
}

TEST_F(Mdevs, OneOfATypeThatIsConfiguredNoMoreIsNotMadeAgain) {
  Boot();
  ASSERT_EQ(Build(1, kAtSix), VmState::kActive);
  Send("stop_hard", 1);
  Settle();
  settings_.mdev_types = *hardware::MdevTypes::From({{.type = "nvidia-36"}});
  hypervisor_.ForgetMdevs();
  Restart();
  Settle();
  EXPECT_TRUE(hypervisor_.MdevsThere().empty());
  Send("start", 1);
  Settle();
  EXPECT_FALSE(hypervisor_.Running(NthUuid(1)));
  EXPECT_EQ(LastReport(1).fault->reason, "HOST_RESOURCES_EXHAUSTED");
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
}

TEST_F(Mdevs, ABuildThatFailsGivesItsOwnBack) {
  Boot();
  hypervisor_.Fail("define", Error(Code::kInternal, reason::kHypervisorRefused, "no"));
  EXPECT_EQ(Build(1, kAtSix), VmState::kError);
  EXPECT_EQ(hypervisor_.MdevsThere().size(), 1U);
  EXPECT_EQ(Build(2, kAtSix), VmState::kActive);
  EXPECT_EQ(Build(3, kAtSix), VmState::kActive);
  EXPECT_EQ(hypervisor_.MdevsThere().size(), 2U);
  hypervisor_.Fail("create_mdev",
                   Error(Code::kResourceExhausted, reason::kHostResourcesExhausted, "no more"));
  EXPECT_EQ(Build(4, kAtSeven), VmState::kError);
  EXPECT_TRUE(LastReport(4).fault->retryable);
  EXPECT_EQ(Build(5, kAtSeven), VmState::kActive);
}

TEST_F(Mdevs, ABuildThatBeginsAgainKeepsItsOwn) {
  Boot();
  images_.Hold(true);
  Send("build", 1, 1, kAtSix);
  Until([&] { return !hypervisor_.MdevsThere().empty(); }, "its device");
  const auto before = Of(1);
  agent_->Drain(std::chrono::steady_clock::now());
  images_.Hold(false);
  Restart();
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_EQ(Of(1), before);
  EXPECT_EQ(hypervisor_.MdevsThere(), before);
}

TEST_F(Mdevs, AnAdoptedGuestKeepsItsOwn) {
  Boot();
  ASSERT_EQ(Build(1, kAtSix), VmState::kActive);
  const auto before = Of(1);
  agent::core::Journal::Completion forget;
  forget.remove = NthUuid(1);
  ASSERT_TRUE(journal_.Complete(forget).ok());
  Restart();
  Settle();
  EXPECT_EQ(Of(1), before);
  hypervisor_.SetGpus({kSix}, 1);
  EXPECT_EQ(Build(2, "vgpu"), VmState::kError);
}

TEST_F(Mdevs, LibvirtAwayIsWaitedForButNotForever) {
  settings_.hypervisor_wait = std::chrono::seconds(1);
  Boot();
  const Status away = Error(Code::kUnavailable, reason::kHypervisorUnavailable, "away");
  hypervisor_.Fail("mdevs", away, 2);
  hypervisor_.Fail("create_mdev", away, 2);
  EXPECT_EQ(Build(1, kAtSix), VmState::kActive);
  EXPECT_EQ(Of(1).size(), 1U);
  int n = 2;
  for (const char* call : {"mdevs", "create_mdev"}) {
    hypervisor_.Fail(call, away, 1000000);
    EXPECT_EQ(Build(n, kAtSeven), VmState::kError) << call;
    EXPECT_EQ(LastReport(n++).fault->reason, "HYPERVISOR_UNAVAILABLE");
    hypervisor_.Fail(call, away, 0);
  }
}

}  // namespace
}  // namespace kilonova::testing
