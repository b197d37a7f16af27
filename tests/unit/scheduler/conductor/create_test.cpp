// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <latch>
#include <set>
#include <thread>

#include "common/model/methods.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using testing::HasSubstr;

class Create : public ConductorTest {
 protected:
  Create() {
    rig_.HostUp("a");
    rig_.HostUp("b");
    rig_.HostUp("c");
    rig_.AddCatalog();
  }
  std::string ReasonFor(const CreateRequest& request) {
    const auto made = rig_.conductor->CreateInstances(request);
    rig_.CheckInvariants();
    return made.ok() ? "OK" : ReasonOf(made.status());
  }
};

TEST_F(Create, OneInstance_IsPlacedClaimedAddressedAndSent) {
  auto request = Rig::Request("one");
  request.instance.admin_password = "s3cret";
  request.instance.metadata = {{"role", "web"}};
  const auto made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  const InstanceRecord& r = *made->front();
  EXPECT_EQ(r.vm_state, model::VmState::kBuilding);
  EXPECT_EQ(r.task_state, model::TaskState::kScheduling);
  EXPECT_EQ(r.generation, 1);
  EXPECT_EQ(r.spec.id, 1);
  EXPECT_EQ(r.spec.hostname, "web");
  EXPECT_EQ(r.spec.project_id, "default");
  EXPECT_EQ(r.spec.admin_password, "");
  EXPECT_EQ(r.availability_zone, "nova");
  EXPECT_EQ(r.alternates.size(), 2U);
  EXPECT_TRUE(r.request_id.starts_with("req-"));
  ASSERT_EQ(r.nics.size(), 1U);
  EXPECT_EQ(r.nics[0].fixed_ips[0].address, "10.20.0.2");
  EXPECT_THAT(r.nics[0].mac, testing::MatchesRegex("fa:16:3e(:[0-9a-f]{2}){3}"));
  EXPECT_GT(r.revision, 0);

  const auto sent = rig_.Deliver();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].host, r.host);
  EXPECT_EQ(sent[0].method, model::kBuildMethod);
  EXPECT_THAT(sent[0].body, HasSubstr("pw=s3cret"));
  EXPECT_EQ(rig_.conductor->outbox().Pending(), 0U);
  rig_.CheckInvariants();
}

TEST_F(Create, Several_AreNamedAsNovaDoes) {
  auto request = Rig::Request("many", 3);
  request.instance.name = "My Web_Server";
  const auto made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->size(), 3U);
  EXPECT_EQ((*made)[0]->spec.display_name, "My Web_Server-1");
  EXPECT_EQ((*made)[2]->spec.display_name, "My Web_Server-3");
  EXPECT_EQ((*made)[2]->spec.hostname, "my-web-server-3");
  EXPECT_EQ((*made)[2]->spec.launch_index, 2);
  std::set<std::string> reservations, macs, ips;
  for (const auto& r : *made) {
    reservations.insert(r->spec.reservation_id);
    macs.insert(r->nics[0].mac);
    ips.insert(r->nics[0].fixed_ips[0].address);
  }
  EXPECT_EQ(reservations.size(), 1U);
  EXPECT_EQ(macs.size(), 3U);
  EXPECT_EQ(ips.size(), 3U);
  rig_.CheckInvariants();
}

TEST_F(Create, TheSameRequestAgain_IsTheSameAnswer) {
  const auto first = rig_.conductor->CreateInstances(Rig::Request("again", 2));
  const auto second = rig_.conductor->CreateInstances(Rig::Request("again", 2));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ((*first)[0]->uuid(), (*second)[0]->uuid());
  EXPECT_EQ((*first)[1]->uuid(), (*second)[1]->uuid());
  auto other = Rig::Request("again", 2);
  other.instance.metadata["x"] = "y";
  const auto refused = rig_.conductor->CreateInstances(other);
  EXPECT_EQ(refused.status().code(), Code::kAlreadyExists);
  EXPECT_TRUE(HasReason(refused.status(), reason::kRequestIdReused));
  EXPECT_EQ(rig_.Deliver().size(), 2U);

  rig_.Restart();
  const auto third = rig_.conductor->CreateInstances(Rig::Request("again", 2));
  ASSERT_TRUE(third.ok());
  EXPECT_EQ((*third)[0]->uuid(), (*first)[0]->uuid());
  EXPECT_TRUE(rig_.Deliver().empty());
}

TEST_F(Create, TheSameRequestAfterItsInstanceIsDeleted_StillAnswers) {
  const InstancePtr r = rig_.Create("gone");
  ASSERT_TRUE(rig_.conductor->DeleteInstance(r->uuid().str(), "").ok());
  const auto again = rig_.conductor->CreateInstances(Rig::Request("gone"));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE((*again)[0]->deleted());
}

TEST_F(Create, ManyAtOnceWithOneId_IsOneEffect) {
  constexpr int kThreads = 16;
  std::latch start(kThreads);
  std::vector<Uuid> seen(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        const auto made = rig_.conductor->CreateInstances(Rig::Request("race"));
        if (made.ok()) seen[static_cast<std::size_t>(t)] = made->front()->uuid();
      });
    }
  }
  EXPECT_FALSE(seen[0].empty());
  for (const Uuid& uuid : seen) EXPECT_EQ(uuid, seen[0]);
  EXPECT_EQ(rig_.Deliver().size(), 1U);
  rig_.CheckInvariants();
}

TEST_F(Create, NoRoom_IsAcceptedAndEndsInErrorWithItsExplanation) {
  model::Flavor huge;
  huge.flavorid = huge.name = "huge";
  huge.vcpus = 1000;
  huge.memory_mb = 1;
  ASSERT_TRUE(rig_.conductor->CreateFlavor(huge).ok());
  auto request = Rig::Request("huge");
  request.instance.flavor = "huge";
  const auto made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  const InstancePtr r = rig_.Get(made->front()->uuid());
  EXPECT_EQ(r->vm_state, model::VmState::kError);
  ASSERT_TRUE(r->fault.has_value());
  EXPECT_EQ(r->fault->reason, "NO_VALID_HOST");
  EXPECT_EQ(r->host, "");
  EXPECT_TRUE(rig_.Deliver().empty());
  rig_.Restart();
  const auto why = rig_.conductor->ExplainInstance(r->uuid().str());
  ASSERT_TRUE(why.ok());
  EXPECT_EQ(why->hosts, 3);
  EXPECT_FALSE(why->summary.empty());
  rig_.CheckInvariants();
  ASSERT_TRUE(rig_.conductor->DeleteInstance(r->uuid().str(), "").ok());
  EXPECT_TRUE(rig_.Get(r->uuid())->deleted());
}

TEST_F(Create, WhatDoesNotExist_IsNamed) {
  auto request = Rig::Request("x");
  request.instance.flavor = "none";
  EXPECT_EQ(ReasonFor(request), "FLAVOR_NOT_FOUND");
  request = Rig::Request("x");
  request.instance.image = "none";
  EXPECT_EQ(ReasonFor(request), "IMAGE_NOT_FOUND");
  request = Rig::Request("x");
  request.instance.networks = {"net", "none"};
  EXPECT_EQ(ReasonFor(request), "NETWORK_NOT_FOUND");
  request = Rig::Request("x");
  request.instance.availability_zone = "nova:nowhere";
  EXPECT_EQ(ReasonFor(request), "HOST_NOT_FOUND");
  // A refused request leaves no trace: its id is free.
  EXPECT_EQ(ReasonFor(Rig::Request("x")), "OK");
}

TEST_F(Create, AnImageTooDemandingForTheFlavor_IsRefused) {
  model::ImageSource image;
  image.name = "big";
  image.url = "https://example.org/big.qcow2";
  image.sha256 = std::string(64, 'b');
  image.disk_format = "qcow2";
  image.min_disk_gb = 2;
  ASSERT_TRUE(rig_.conductor->RegisterImage(image).ok());
  auto request = Rig::Request("big");
  request.instance.image = "big";
  EXPECT_EQ(ReasonFor(request), "FLAVOR_DISK_TOO_SMALL");
  image.name = "hungry";
  image.min_disk_gb = 1;
  image.min_ram_mb = 513;
  ASSERT_TRUE(rig_.conductor->RegisterImage(image).ok());
  request.instance.image = "hungry";
  EXPECT_EQ(ReasonFor(request), "FLAVOR_MEMORY_TOO_SMALL");
}

TEST_F(Create, KernelAndRamdisk_MustBeRegisteredAsSuch) {
  model::ImageSource kernel;
  kernel.name = "vmlinuz";
  kernel.url = "file:///images/vmlinuz";
  kernel.sha256 = std::string(64, 'c');
  kernel.disk_format = kernel.container_format = "aki";
  const auto registered = rig_.conductor->RegisterImage(kernel);
  ASSERT_TRUE(registered.ok()) << Describe(registered.status());
  model::ImageSource image;
  image.name = "direct";
  image.url = "file:///images/direct.raw";
  image.sha256 = std::string(64, 'd');
  image.disk_format = "raw";
  image.properties["kernel_id"] = registered->source.id.str();
  ASSERT_TRUE(rig_.conductor->RegisterImage(image).ok());
  auto request = Rig::Request("direct");
  request.instance.image = "direct";
  const auto made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  ASSERT_NE((*made)[0]->kernel, nullptr);
  EXPECT_EQ((*made)[0]->kernel->id, registered->source.id);

  image.name = "bad";
  image.properties["kernel_id"] = Uuid::Random().str();
  ASSERT_TRUE(rig_.conductor->RegisterImage(image).ok());
  request.request_id = "bad";
  request.instance.image = "bad";
  EXPECT_EQ(ReasonFor(request), "IMAGE_NOT_FOUND");
  request.instance.image = "vmlinuz";
  EXPECT_EQ(ReasonFor(request), "IMAGE_INVALID");
}

TEST_F(Create, WhatNoRuleCanJudge_IsRefusedAndNamesNoHost) {
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "odd";
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  flavor.extra_specs = {{"capabilities:free_ram_mb", ">= x"}};
  ASSERT_TRUE(rig_.conductor->CreateFlavor(flavor).ok());
  auto request = Rig::Request("odd");
  request.instance.flavor = "odd";
  const Status refused = rig_.conductor->CreateInstances(request).status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_TRUE(HasReason(refused, reason::kInvalidArgument));
  EXPECT_NE(Message(refused).find("free_ram_mb"), std::string::npos);
  EXPECT_FALSE(DetailsOf(refused).contains("host"));
}

TEST_F(Create, AForcedHost_IsUsed) {
  auto request = Rig::Request("forced");
  request.instance.availability_zone = "nova:b";
  const auto made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ((*made)[0]->host, "b");
  EXPECT_EQ((*made)[0]->spec.availability_zone, "nova");
}

TEST_F(Create, AZoneWithNoEnabledHost_IsRefused) {
  auto request = Rig::Request("zoned");
  request.instance.availability_zone = "az1";
  EXPECT_EQ(ReasonFor(request), "INVALID_ARGUMENT");
  ASSERT_TRUE(rig_.conductor->CreateAggregate("one", "az1").ok());
  EXPECT_EQ(ReasonFor(request), "INVALID_ARGUMENT");
  ASSERT_TRUE(rig_.conductor->AddHostToAggregate("one", "b").ok());
  ASSERT_TRUE(rig_.conductor->DisableHost("b", "repair").ok());
  EXPECT_EQ(ReasonFor(request), "INVALID_ARGUMENT");
  ASSERT_TRUE(rig_.conductor->EnableHost("b").ok());
  rig_.Restart();
  rig_.HostUp("a");
  rig_.HostUp("b");
  const auto made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  EXPECT_EQ(made->front()->host, "b");
  // Down is not disabled: the zone is there, as in Nova.
  rig_.conductor->SessionEnded(rig_.sessions["b"]);
  request.request_id = "down";
  const auto down = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(down.ok()) << Describe(down.status());
  EXPECT_EQ(down->front()->fault->reason, "NO_VALID_HOST");
  // With its last host the zone goes.
  ASSERT_TRUE(rig_.conductor->RemoveHostFromAggregate("one", "b").ok());
  request.request_id = "gone";
  EXPECT_EQ(ReasonFor(request), "INVALID_ARGUMENT");
}

TEST_F(Create, AForcedHostOutsideTheZone_IsUsedAllTheSame) {
  ASSERT_TRUE(rig_.conductor->CreateAggregate("one", "az1").ok());
  ASSERT_TRUE(rig_.conductor->AddHostToAggregate("one", "b").ok());
  for (const auto& [zone, host] : {std::pair{"az1:a", "a"}, {"nova:b", "b"}, {"none:a", "a"}}) {
    auto request = Rig::Request(zone);
    request.request_id = std::string("forced-") + host + std::string(zone, 3);
    request.instance.availability_zone = zone;
    const auto made = rig_.conductor->CreateInstances(request);
    ASSERT_TRUE(made.ok()) << Describe(made.status());
    EXPECT_EQ(made->front()->host, host);
    EXPECT_EQ(made->front()->spec.availability_zone, "");
  }
}

TEST(DefaultScheduleZone, IsThatOfRequestsThatNameNone) {
  TempDir dir;
  ConductorOptions options;
  options.default_schedule_zone = "az1";
  Rig rig(dir.File("state.db"), options);
  rig.HostUp("a");
  rig.HostUp("b");
  rig.AddCatalog();
  EXPECT_FALSE(rig.conductor->CreateInstances(Rig::Request("none")).ok());
  ASSERT_TRUE(rig.conductor->CreateAggregate("one", "az1").ok());
  ASSERT_TRUE(rig.conductor->AddHostToAggregate("one", "b").ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(rig.Create("vm" + std::to_string(i))->host, "b");
  }
  auto request = Rig::Request("named");
  request.instance.availability_zone = "nova";
  EXPECT_EQ(rig.conductor->CreateInstances(request)->front()->host, "a");
}

TEST_F(Create, AForcedHostThatIsDisabledOrDown_TakesNothingNew) {
  auto request = Rig::Request("disabled");
  request.instance.availability_zone = "nova:a";
  ASSERT_TRUE(rig_.conductor->DisableHost("a", "repair").ok());
  auto made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  EXPECT_EQ(made->front()->vm_state, model::VmState::kError);
  EXPECT_EQ(made->front()->fault->reason, "NO_VALID_HOST");
  ASSERT_TRUE(rig_.conductor->EnableHost("a").ok());
  rig_.conductor->SessionEnded(rig_.sessions["a"]);
  request.request_id = "down";
  made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  EXPECT_EQ(made->front()->vm_state, model::VmState::kError);
  rig_.CheckInvariants();
}

TEST_F(Create, ANetworkOutOfAddresses_LeavesNoClaim) {
  NetworkRecord small;
  small.name = "small";
  small.source = "default";
  small.cidr = "10.30.0.0/29";
  small.pool_start = "10.30.0.3";
  small.pool_end = "10.30.0.4";
  ASSERT_TRUE(rig_.conductor->CreateNetwork(small).ok());
  auto request = Rig::Request("three", 3);
  request.instance.networks = {"small"};
  EXPECT_EQ(ReasonFor(request), "NETWORK_ADDRESSES_EXHAUSTED");
  request.count = 2;
  const auto made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  auto one = Rig::Request("one");
  one.instance.networks = {"small"};
  EXPECT_EQ(ReasonFor(one), "NETWORK_ADDRESSES_EXHAUSTED");
  ASSERT_TRUE(rig_.conductor->DeleteInstance((*made)[0]->uuid().str(), "").ok());
  EXPECT_EQ(ReasonFor(one), "OK");
}

TEST_F(Create, AMessageThatCannotBeWritten_LeavesNothing) {
  rig_.encoder.broken = true;
  EXPECT_EQ(ReasonFor(Rig::Request("broken", 5)), "INTERNAL");
  rig_.encoder.broken = false;
  EXPECT_EQ(ReasonFor(Rig::Request("broken", 5)), "OK");
}

TEST_F(Create, ADisabledFlavor_IsNotFound) {
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "old";
  flavor.vcpus = flavor.memory_mb = 1;
  flavor.disabled = true;
  ASSERT_TRUE(rig_.conductor->CreateFlavor(flavor).ok());
  auto request = Rig::Request("old");
  request.instance.flavor = "old";
  EXPECT_EQ(ReasonFor(request), "FLAVOR_NOT_FOUND");
}

TEST_F(Create, DryRunAndExplain_ChangeNothing) {
  const auto plan = rig_.conductor->DryRun(Rig::Request("").instance, 4);
  ASSERT_TRUE(plan.ok()) << Describe(plan.status());
  EXPECT_EQ(plan->selections.size(), 4U);
  const auto why = rig_.conductor->Explain(Rig::Request("").instance, 100);
  ASSERT_TRUE(why.ok());
  EXPECT_EQ(why->passed, 3);
  rig_.CheckInvariants();
}

}  // namespace
}  // namespace kilonova::scheduler::core
