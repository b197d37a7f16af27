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
    return rig_.Up(report, std::move(instances)).status();
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

}  // namespace
}  // namespace kilonova::scheduler::core
