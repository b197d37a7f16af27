// SPDX-License-Identifier: Apache-2.0
// NUMA cells and PCI pools from hosts' reports to the filters, and guests that ask for them.
#include <gmock/gmock.h>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using testing::HasSubstr;

class Hardware : public ConductorTest {
 protected:
  void SetUp() override {
    rig_.Close();
    rig_.extend = [](Pipeline& pipeline) {
      auto more = filters::MakeFilters({"NUMATopologyFilter"}, {}).value();
      for (auto& filter : more) pipeline.filters.push_back(std::move(filter));
    };
    rig_.Open();
    rig_.AddCatalog();
    model::Flavor flavor;
    flavor.flavorid = flavor.name = "pinned";
    flavor.vcpus = 2;
    flavor.memory_mb = 512;
    flavor.root_gb = 1;
    flavor.extra_specs = {{"hw:cpu_policy", "dedicated"}};
    ASSERT_TRUE(rig_.conductor->CreateFlavor(flavor).ok());
  }

  // Four CPUs to pin, those of `pinned` taken.
  static model::HostReport Report(const std::string& host, const std::string& pinned) {
    model::HostReport report = Rig::Report(host);
    report.inventories["PCPU"] = {.total = 64, .max_unit = 64};
    model::HostNumaCell cell;
    cell.cpuset = "4-7";
    cell.pcpuset = "0-3";
    cell.memory_mb = 8192;
    cell.pinned_cpus = pinned;
    cell.siblings = {"0", "1", "2", "3", "4", "5", "6", "7"};
    cell.pages = {{.size_kb = 4, .total = 8192 * 256}};
    report.numa_cells = {cell};
    return report;
  }
  Status Up(const model::HostReport& report, std::vector<model::HostInstance> instances = {}) {
    HostHello hello;
    hello.agent_version = "test";
    auto& journal = rig_.journals[report.host];
    if (journal.empty()) journal = Uuid::Random().str();
    hello.journal_id = journal;
    hello.report = report;
    hello.instances = std::move(instances);
    const auto welcome = rig_.conductor->HostUp(hello);
    if (welcome.ok()) rig_.sessions[report.host] = welcome->session;
    return welcome.status();
  }
  Status Reported(const model::HostReport& report, std::vector<model::HostInstance> instances) {
    return rig_.conductor->HostReported(rig_.sessions[report.host],
                                        {report, std::move(instances), {}});
  }
  static model::HostInstance Begun(const InstancePtr& r) {
    return {r->uuid(), r->generation, model::PowerState::kRunning, true, r->spec.id, {}};
  }
  static model::HostInstance Queued(const InstancePtr& r) {
    return {r->uuid(), r->generation, model::PowerState::kNoState, true, 0, {}};
  }
  static CreateRequest Pinned(const std::string& id, std::int64_t count = 1) {
    CreateRequest request = Rig::Request(id, count);
    request.instance.flavor = "pinned";
    return request;
  }
  InstancePtr Create(const CreateRequest& request) {
    const auto made = rig_.conductor->CreateInstances(request);
    EXPECT_TRUE(made.ok()) << Describe(made.status());
    return made.ok() ? made->front() : nullptr;
  }
  bool Fits(const std::string& id) { return !Create(Pinned(id))->host.empty(); }
};

TEST_F(Hardware, PinnedGuests_GoWhereCpusAreFree) {
  ASSERT_TRUE(Up(Report("a", "0-2")).ok());
  ASSERT_TRUE(Up(Report("b", "")).ok());
  EXPECT_EQ(Create(Pinned("one"))->host, "b");
  EXPECT_EQ(Create(Pinned("two"))->host, "b");
  const InstancePtr none = Create(Pinned("three"));
  ASSERT_EQ(none->vm_state, model::VmState::kError);
  EXPECT_THAT(none->fault->message, HasSubstr("NUMATopologyFilter refused 2"));
}

TEST_F(Hardware, AHostWithoutCells_HasNoPinnedGuests) {
  rig_.HostUp("flat");
  EXPECT_FALSE(Fits("one"));
}

TEST_F(Hardware, ExplainDryRunAndWhatFits_JudgeCellsToo) {
  ASSERT_TRUE(Up(Report("a", "0")).ok());
  ASSERT_TRUE(Up(Report("b", "0-2")).ok());
  const auto why = rig_.conductor->Explain(Pinned("x").instance, 10);
  ASSERT_TRUE(why.ok()) << Describe(why.status());
  EXPECT_EQ(why->passed, 1);
  EXPECT_TRUE(rig_.conductor->DryRun(Pinned("x").instance, 1)->placed());
  EXPECT_FALSE(rig_.conductor->DryRun(Pinned("x").instance, 2)->placed());
  const auto room = rig_.conductor->WhatFits(Pinned("x").instance);
  ASSERT_TRUE(room.ok()) << Describe(room.status());
  EXPECT_EQ(room->front().room.count, 1);
}

TEST_F(Hardware, UsageAndClaims_CountOnce) {
  ASSERT_TRUE(Up(Report("a", "")).ok());
  const InstancePtr first = Create(Pinned("first"));
  ASSERT_EQ(first->host, "a");
  // In the host's queue it takes nothing there yet: the claim counts.
  ASSERT_TRUE(Reported(Report("a", ""), {Queued(first)}).ok());
  EXPECT_FALSE(rig_.conductor->DryRun(Pinned("x").instance, 2)->placed());
  // Begun it is in the usage, wherever the host put it: room for one more and no less.
  ASSERT_TRUE(Reported(Report("a", "2-3"), {Begun(first)}).ok());
  EXPECT_TRUE(rig_.conductor->DryRun(Pinned("x").instance, 1)->placed());
  EXPECT_FALSE(rig_.conductor->DryRun(Pinned("x").instance, 2)->placed());
  // What was placed since then counts on top, whatever else is told of the host meanwhile.
  const InstancePtr second = Create(Pinned("second"));
  ASSERT_EQ(second->host, "a");
  ASSERT_TRUE(rig_.conductor->DisableHost("a", "for a moment").ok());
  ASSERT_TRUE(rig_.conductor->EnableHost("a").ok());
  EXPECT_FALSE(Fits("third"));
  ASSERT_TRUE(Reported(Report("a", "0-3"), {Begun(first), Begun(second)}).ok());
  EXPECT_FALSE(Fits("fourth"));
  // The host says that one is gone.
  ASSERT_TRUE(Reported(Report("a", "2-3"), {Begun(first)}).ok());
  EXPECT_FALSE(Fits("fifth")) << "the second's claim is held until the host ends it";
}

TEST_F(Hardware, AfterARestart_TheReportSaysWhatIsTaken) {
  ASSERT_TRUE(Up(Report("a", "")).ok());
  const InstancePtr first = Create(Pinned("first"));
  rig_.Restart();
  ASSERT_TRUE(Up(Report("a", "0-1"), {Begun(first)}).ok());
  EXPECT_TRUE(Fits("second"));
  EXPECT_FALSE(Fits("third"));
}

// Two CPUs are promised to a guest that waits in its host's queue: the report has none of it.
TEST_F(Hardware, AfterARestart_WhatWasPromisedIsPromisedToNobodyElse) {
  ASSERT_TRUE(Up(Report("a", "")).ok());
  const InstancePtr first = Create(Pinned("first"));
  ASSERT_EQ(first->host, "a");
  rig_.Restart();
  ASSERT_TRUE(Up(Report("a", ""), {Queued(first)}).ok());
  EXPECT_TRUE(rig_.conductor->DryRun(Pinned("x").instance, 1)->placed());
  EXPECT_FALSE(rig_.conductor->DryRun(Pinned("x").instance, 2)->placed());
  // Given back when the guest goes, and only then.
  rig_.Restart();
  ASSERT_TRUE(Up(Report("a", ""), {}).ok());
  EXPECT_FALSE(rig_.conductor->DryRun(Pinned("x").instance, 2)->placed());
  ASSERT_TRUE(rig_.conductor->DeleteInstance(first->uuid().str(), "").ok());
  EXPECT_TRUE(rig_.conductor->DryRun(Pinned("x").instance, 2)->placed());
}

TEST_F(Hardware, ARescheduledGuest_AsksForCellsAgain) {
  ASSERT_TRUE(Up(Report("a", "0-1")).ok());
  const InstancePtr first = Create(Pinned("first"));
  ASSERT_EQ(first->host, "a");
  ASSERT_TRUE(Up(Report("b", "0-2")).ok());
  ASSERT_TRUE(Up(Report("c", "0-1")).ok());
  rig_.Deliver();
  rig_.Fail(first->uuid(), "build", "HYPERVISOR_UNAVAILABLE", true);
  EXPECT_EQ(rig_.Get(first->uuid())->host, "c");
  EXPECT_FALSE(rig_.conductor->DryRun(Pinned("x").instance, 2)->placed());
}

TEST_F(Hardware, AReportOfImpossibleCells_IsRefusedByField) {
  model::HostReport report = Report("a", "");
  report.numa_cells.push_back(report.numa_cells.front());
  const Status refused = Up(report);
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_THAT(DetailsOf(refused)["field"], HasSubstr("numa_cells"));
}

TEST_F(Hardware, WhatNovaRefuses_IsRefusedWithItsClass) {
  ASSERT_TRUE(Up(Report("a", "")).ok());
  model::ImageSource image;
  image.name = "pins";
  image.url = "file:///images/pins.qcow2";
  image.sha256 = std::string(64, 'b');
  image.disk_format = "qcow2";
  image.properties = {{"hw_cpu_policy", "dedicated"}};
  ASSERT_TRUE(rig_.conductor->RegisterImage(image).ok());
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "shared";
  flavor.vcpus = 2;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  flavor.extra_specs = {{"hw:cpu_policy", "shared"}};
  ASSERT_TRUE(rig_.conductor->CreateFlavor(flavor).ok());
  CreateRequest request = Rig::Request("refused");
  request.instance.flavor = "shared";
  request.instance.image = "pins";
  const auto made = rig_.conductor->CreateInstances(request);
  EXPECT_EQ(made.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(DetailsOf(made.status())["nova_exception"], "ImageCPUPinningForbidden");
  const auto why = rig_.conductor->Explain(request.instance, 1);
  EXPECT_EQ(DetailsOf(why.status())["nova_exception"], "ImageCPUPinningForbidden");
}

TEST_F(Hardware, PciPools_ReachTheEngine) {
  model::HostReport report = Report("a", "");
  report.pci_pools = {{.vendor_id = "8086",
                       .product_id = "154d",
                       .numa_node = 0,
                       .count = 1,
                       .tags = {{"dev_type", "type-VF"}}}};
  ASSERT_TRUE(Up(report).ok());
  PlacementRequest request;
  request.flavor = *rig_.conductor->GetFlavor("m1.tiny");
  request.instances = {Uuid::Random()};
  request.pci_requests = {{.count = 1, .spec = {{{"vendor_id", "8086"}, {"dev_type", "type-VF"}}}}};
  EXPECT_TRUE(rig_.engine->DryRun(request)->placed());
  request.pci_requests[0].count = 2;
  EXPECT_FALSE(rig_.engine->DryRun(request)->placed());
}

class PciAlias : public ConductorTest {
 protected:
  void SetUp() override {
    ConductorOptions options;
    options.pci_aliases =
        hardware::PciAliases::Parse(
            {R"({"name": "gpu", "vendor_id": "10de", "device_type": "type-PCI"})"})
            .value();
    rig_.Close();
    rig_.options() = options;
    rig_.Open();
    rig_.AddCatalog();
    for (const auto& [name, spec] : {std::pair{"gpu2", "gpu:2"}, {"other", "gpu:1,fpga:1"}}) {
      model::Flavor flavor;
      flavor.flavorid = flavor.name = name;
      flavor.vcpus = 1;
      flavor.memory_mb = 512;
      flavor.root_gb = 1;
      flavor.extra_specs = {{"pci_passthrough:alias", spec}};
      ASSERT_TRUE(rig_.conductor->CreateFlavor(flavor).ok());
    }
  }
  Status Up(const std::string& host, std::int64_t gpus) {
    HostHello hello;
    hello.agent_version = "test";
    hello.journal_id = Uuid::Random().str();
    hello.report = Rig::Report(host);
    hello.report.pci_pools = {{"10de", "1db4", 0, gpus, {{"dev_type", "type-PCI"}}}};
    return rig_.conductor->HostUp(hello).status();
  }
  Expected<InstancePtr> Create(const std::string& id, const std::string& flavor) {
    CreateRequest request = Rig::Request(id);
    request.instance.flavor = flavor;
    ASSIGN_OR_RETURN(const auto made, rig_.conductor->CreateInstances(request));
    return made[0];
  }
};

TEST_F(ConductorTest, SharingProviders_AreClaimedKeptAndShown) {
  rig_.AddCatalog();
  model::HostReport report = Rig::Report("a");
  report.inventories.erase("DISK_GB");
  HostHello hello{"t", Uuid::Random().str(), report, {}};
  ASSERT_TRUE(rig_.conductor->HostUp(hello).ok());
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

TEST_F(PciAlias, DevicesDecideAndAreCounted) {
  ASSERT_TRUE(Up("a", 1).ok());
  ASSERT_TRUE(Up("b", 5).ok());
  for (const char* id : {"one", "two"}) {
    const auto made = Create(id, "gpu2");
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_EQ((*made)->host, "b");
  }
  const auto third = Create("three", "gpu2");
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ((*third)->vm_state, model::VmState::kError);
  EXPECT_THAT((*third)->fault->message, HasSubstr("PciPassthroughFilter refused 2"));
  EXPECT_EQ(rig_.conductor->WhatFits({.name = "x", .flavor = "gpu2"})->front().room.count, 0);
}

TEST_F(Hardware, AnUnknownTrait_IsRefusedByName) {
  ASSERT_TRUE(Up(Report("a", "")).ok());
  const auto with = [&](const std::string& trait, const std::string& value) {
    model::Flavor flavor;
    flavor.flavorid = flavor.name = trait + value;
    flavor.vcpus = 1;
    flavor.memory_mb = 512;
    flavor.root_gb = 1;
    flavor.extra_specs = {{"trait:" + trait, value}};
    EXPECT_TRUE(rig_.conductor->CreateFlavor(flavor).ok());
    CreateRequest request = Rig::Request(trait + value);
    request.instance.flavor = flavor.name;
    return rig_.conductor->CreateInstances(request).status();
  };
  const Status forbidden = with("CUSTOM_NEVER_SEEN", "forbidden");
  EXPECT_EQ(forbidden.code(), Code::kInvalidArgument);
  EXPECT_EQ(DetailsOf(forbidden)["field"], "trait:CUSTOM_NEVER_SEEN");
  EXPECT_EQ(with("HW_NO_SUCH", "required").code(), Code::kInvalidArgument);
  EXPECT_TRUE(with("HW_CPU_X86_AVX2", "forbidden").ok());
  EXPECT_TRUE(with("CUSTOM_NEVER_SEEN", "required").ok());  // in ERROR: no host has it
  model::HostReport report = Report("a", "");
  report.traits.push_back("CUSTOM_NEVER_SEEN");
  ASSERT_TRUE(Reported(report, {}).ok());
  ASSERT_TRUE(Reported(Report("a", ""), {}).ok());
  CreateRequest again = Rig::Request("again");
  again.instance.flavor = "CUSTOM_NEVER_SEENforbidden";
  EXPECT_TRUE(rig_.conductor->CreateInstances(again).ok());  // a host had it once
}

TEST_F(PciAlias, WhoIsGoneGivesTheDevicesBack) {
  ASSERT_TRUE(Up("b", 2).ok());
  const auto made = Create("one", "gpu2");
  ASSERT_TRUE(made.ok() && (*made)->host == "b");
  EXPECT_EQ((*Create("two", "gpu2"))->vm_state, model::VmState::kError);
  ASSERT_TRUE(rig_.engine->Release((*made)->uuid()));
  EXPECT_EQ((*Create("three", "gpu2"))->host, "b");
}

TEST_F(PciAlias, AnUnknownOneIsRefusedByName) {
  ASSERT_TRUE(Up("a", 1).ok());
  const auto made = Create("one", "other");
  EXPECT_EQ(made.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(DetailsOf(made.status())["alias"], "fpga");
  EXPECT_EQ(DetailsOf(made.status())["nova_exception"], "PciRequestAliasNotDefined");
  EXPECT_EQ(rig_.conductor->Explain({.name = "x", .flavor = "other"}, 1).status().code(),
            Code::kInvalidArgument);
}

TEST_F(Hardware, NestedProviders_AreClaimedKeptAndShown) {
  model::HostReport report = Report("a", "");
  report.nested = {{"gpus", "", {}, {}},
                   {"gpu-0", "gpus", {{"VGPU", {.total = 1, .max_unit = 1}}}, {"CUSTOM_BIG"}},
                   {"gpu-1", "gpus", {{"VGPU", {.total = 2, .max_unit = 2}}}, {}}};
  ASSERT_TRUE(Up(report).ok());
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "vgpu";
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  flavor.extra_specs = {{"resources:VGPU", "1"}};
  ASSERT_TRUE(rig_.conductor->CreateFlavor(flavor).ok());
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
TEST_F(Hardware, NestedProviders_TheHostIsToldWhichServes) {
  model::HostReport report = Report("a", "");
  report.nested = {{"gpu-0", "", {{"VGPU", {.total = 1, .max_unit = 1}}}, {}},
                   {"gpu-1", "", {{"VGPU", {.total = 3, .max_unit = 3}}}, {"CUSTOM_BIG"}}};
  ASSERT_TRUE(Up(report).ok());
  model::HostReport other = report;
  other.host = other.hypervisor_hostname = "b";
  other.nested = {{"b-gpu", "", {{"VGPU", {.total = 3, .max_unit = 3}}}, {"CUSTOM_BIG"}}};
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "vgpu";
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  flavor.extra_specs = {{"resources:VGPU", "2"}, {"trait:CUSTOM_BIG", "required"}};
  ASSERT_TRUE(rig_.conductor->CreateFlavor(flavor).ok());
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
