// SPDX-License-Identifier: Apache-2.0
// Providers beside and below hosts: shared pools, and trees of devices.
#include <gmock/gmock.h>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

class Providers : public ConductorTest {
 protected:
  void SetUp() override { rig_.AddCatalog(); }
  Status Up(const model::HostReport& report) { return rig_.Up(report).status(); }
  void AddVgpuFlavor(model::ExtraSpecs extra_specs) {
    model::Flavor flavor;
    flavor.flavorid = flavor.name = "vgpu";
    flavor.vcpus = 1;
    flavor.memory_mb = 512;
    flavor.root_gb = 1;
    flavor.extra_specs = std::move(extra_specs);
    ASSERT_TRUE(rig_.conductor->CreateFlavor(flavor).ok());
  }
};

TEST_F(Providers, Shared_AreClaimedKeptAndShown) {
  model::HostReport report = Rig::Report("a");
  report.inventories.erase("DISK_GB");
  ASSERT_TRUE(Up(report).ok());
  const auto aggregate = rig_.conductor->CreateAggregate("rack", "");
  ASSERT_TRUE(aggregate.ok());
  ASSERT_TRUE(rig_.conductor->AddHostToAggregate("rack", "a").ok());
  const auto create = [&](const std::string& id) {
    return rig_.conductor->CreateInstances(Rig::Request(id)).value()[0];
  };
  EXPECT_EQ(create("none")->vm_state, model::VmState::kError);
  SharingProviderRecord pool;
  pool.name = "nfs";
  pool.inventories["DISK_GB"] = {.total = 100, .max_unit = 100};
  EXPECT_TRUE(HasReason(rig_.conductor->CreateSharingProvider(pool, {"nowhere"}).status(),
                        reason::kAggregateNotFound));
  const auto made = rig_.conductor->CreateSharingProvider(pool, {"rack"});
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  EXPECT_EQ(made->aggregates, std::vector<std::string>{"rack"});
  EXPECT_EQ(rig_.conductor->CreateSharingProvider(pool, {"rack"}).status().code(),
            Code::kAlreadyExists);
  const auto instance = create("one");
  ASSERT_EQ(instance->host, "a");
  const auto used = rig_.conductor->GetSharingProvider("nfs")->used;
  EXPECT_GT(used.at("DISK_GB"), 0);
  rig_.Restart();
  EXPECT_EQ(rig_.conductor->GetSharingProvider("nfs")->used, used);
  EXPECT_EQ(rig_.conductor->ListSharingProviders({})->items.size(), 1U);
  EXPECT_EQ(rig_.conductor->DeleteSharingProvider("nfs").code(), Code::kFailedPrecondition);
  ASSERT_TRUE(rig_.engine->Release(instance->uuid()));
  EXPECT_TRUE(rig_.conductor->DeleteSharingProvider("nfs").ok());
  EXPECT_EQ(rig_.conductor->DeleteSharingProvider("nfs").code(), Code::kNotFound);
  rig_.Restart();
  EXPECT_TRUE(rig_.conductor->ListSharingProviders({})->items.empty());
}

TEST_F(Providers, Nested_AreClaimedKeptAndShown) {
  model::HostReport report = Rig::Report("a");
  report.nested = {{"gpus", "", {}, {}},
                   {"gpu-0", "gpus", {{"VGPU", {.total = 1, .max_unit = 1}}}, {"CUSTOM_BIG"}},
                   {"gpu-1", "gpus", {{"VGPU", {.total = 2, .max_unit = 2}}}, {}}};
  ASSERT_TRUE(Up(report).ok());
  AddVgpuFlavor({{"resources:VGPU", "1"}});
  const auto create = [&](const std::string& id) {
    CreateRequest request = Rig::Request(id);
    request.instance.flavor = "vgpu";
    return rig_.conductor->CreateInstances(request).value()[0];
  };
  ASSERT_EQ(create("one")->host, "a");
  const auto used = rig_.conductor->GetHost("a")->used;
  EXPECT_EQ(used.count("VGPU@gpu-0") + used.count("VGPU@gpu-1"), 1U);
  EXPECT_EQ(create("two")->host, "a");
  // What was claimed and what was reported is still there after a restart, before the host is back.
  rig_.Restart();
  EXPECT_EQ(rig_.conductor->GetHost("a")->row.report.nested, report.nested);
  ASSERT_TRUE(Up(report).ok());
  EXPECT_EQ(create("three")->host, "a");
  EXPECT_EQ(create("four")->vm_state, model::VmState::kError);
  // A child before its parent is no tree.
  std::swap(report.nested[0], report.nested[1]);
  EXPECT_EQ(Up(report).code(), Code::kInvalidArgument);
}

// Nova's compute asks Placement which provider serves it; ours is told with the order to build.
TEST_F(Providers, Nested_TheHostIsToldWhichServes) {
  model::HostReport report = Rig::Report("a");
  report.nested = {{"gpu-0", "", {{"VGPU", {.total = 1, .max_unit = 1}}}, {}},
                   {"gpu-1", "", {{"VGPU", {.total = 3, .max_unit = 3}}}, {"CUSTOM_BIG"}}};
  ASSERT_TRUE(Up(report).ok());
  model::HostReport other = report;
  other.host = other.hypervisor_hostname = "b";
  other.nested = {{"b-gpu", "", {{"VGPU", {.total = 3, .max_unit = 3}}}, {"CUSTOM_BIG"}}};
  AddVgpuFlavor({{"resources:VGPU", "2"}, {"trait:CUSTOM_BIG", "required"}});
  CreateRequest request = Rig::Request("one");
  request.instance.flavor = "vgpu";
  const auto made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  ASSERT_EQ((*made)[0]->host, "a");
  const auto body_of = [&](const std::vector<OutboxRow>& rows) {
    return rows.size() == 1 ? rows[0].body : std::to_string(rows.size()) + " rows";
  };
  EXPECT_THAT(body_of(rig_.Deliver()), ::testing::EndsWith(" VGPU@gpu-1=2"));
  // Placed anew it is told of the other host's.
  ASSERT_TRUE(Up(other).ok());
  auto failed =
      rig_.ReportOf(*(*made)[0], "build", model::Outcome::kFailed, model::PowerState::kNoState);
  failed.fault = model::Fault{"HOST_RESOURCES_EXHAUSTED", "no", true};
  ASSERT_TRUE(rig_.Send("a", failed).ok());
  EXPECT_THAT(body_of(rig_.Deliver()), ::testing::EndsWith(" VGPU@b-gpu=2"));
}

}  // namespace
}  // namespace kilonova::scheduler::core
