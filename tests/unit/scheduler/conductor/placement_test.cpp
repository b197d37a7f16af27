// SPDX-License-Identifier: Apache-2.0
// Flavors and images that ask Placement for more than sizes, from Create to the claim.
#include <gmock/gmock.h>

#include "common/model/standard_names.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using testing::HasSubstr;

class Asking : public ConductorTest {
 protected:
  Asking() {
    HostUpWith("plain", {});
    HostUpWith("fast", {"CUSTOM_SSD", "HW_CPU_X86_VMX"});
    rig_.AddCatalog();
  }

  void HostUpWith(const std::string& host, std::vector<std::string> traits) {
    HostHello hello;
    hello.agent_version = "test";
    hello.journal_id = rig_.journals[host] = Uuid::Random().str();
    hello.report = Rig::Report(host);
    hello.report.traits = std::move(traits);
    hello.report.inventories["CUSTOM_GOLD"] = {.total = host == "plain" ? 2 : 1};
    ASSERT_TRUE(rig_.conductor->HostUp(hello).ok());
  }

  CreateRequest Flavored(const std::string& name, const model::ExtraSpecs& extra_specs) {
    model::Flavor flavor;
    flavor.flavorid = flavor.name = name;
    flavor.vcpus = 2;
    flavor.memory_mb = 512;
    flavor.root_gb = 1;
    flavor.extra_specs = extra_specs;
    const auto made = rig_.conductor->CreateFlavor(flavor);
    EXPECT_TRUE(made.ok()) << Describe(made.status());
    CreateRequest request = Rig::Request(name);
    request.instance.flavor = name;
    return request;
  }

  InstancePtr Create(const CreateRequest& request) {
    const auto made = rig_.conductor->CreateInstances(request);
    EXPECT_TRUE(made.ok()) << Describe(made.status());
    return made.ok() ? made->front() : nullptr;
  }
};

TEST_F(Asking, Traits_ChooseTheHost) {
  EXPECT_EQ(Create(Flavored("ssd", {{"trait:CUSTOM_SSD", "required"}}))->host, "fast");
  EXPECT_EQ(Create(Flavored("no-ssd", {{"trait:CUSTOM_SSD", "forbidden"}}))->host, "plain");
  rig_.CheckInvariants();
}

TEST_F(Asking, AMissingTrait_IsExplained) {
  const InstancePtr r = Create(Flavored("none", {{"trait:CUSTOM_TPU", "required"}}));
  EXPECT_EQ(r->vm_state, model::VmState::kError);
  ASSERT_NE(r->explanation, nullptr);
  EXPECT_EQ(r->explanation->filters.front().filter, "Placement");
  EXPECT_EQ(r->explanation->filters.front().refused, 2);
  const FilterVerdict& verdict = r->explanation->explanations.front().verdicts.front();
  EXPECT_EQ(verdict.have, "no trait CUSTOM_TPU");
  EXPECT_EQ(verdict.need, "trait CUSTOM_TPU");
}

TEST_F(Asking, ResourcesOfTheFlavor_AreClaimedAndRunOut) {
  const CreateRequest gold =
      Flavored("gold", {{"resources:CUSTOM_GOLD", "2"}, {"resources:VCPU", "0"}});
  const InstancePtr first = Create(gold);
  EXPECT_EQ(first->host, "plain");
  const auto used = rig_.engine->Usage("plain").value();
  EXPECT_EQ(used, (model::Resources{{"CUSTOM_GOLD", 2}, {"DISK_GB", 1}, {"MEMORY_MB", 512}}));
  CreateRequest second = gold;
  second.request_id = "gold-2";
  EXPECT_EQ(Create(second)->vm_state, model::VmState::kError);

  rig_.Restart();
  HostUpWith("plain", {});
  EXPECT_EQ(rig_.engine->Usage("plain").value(), used);
}

TEST_F(Asking, TraitsOfTheImage_CountToo) {
  model::ImageSource image;
  image.name = "picky";
  image.url = "file:///images/picky.qcow2";
  image.sha256 = std::string(64, 'b');
  image.disk_format = "qcow2";
  image.properties = {{"trait:HW_CPU_X86_VMX", "required"}};
  ASSERT_TRUE(rig_.conductor->RegisterImage(image).ok());
  CreateRequest request = Rig::Request("picky");
  request.instance.image = "picky";
  EXPECT_EQ(Create(request)->host, "fast");
}

TEST_F(Asking, PinnedGuests_GoWhereThereAreOnlySharedCpus) {
  const InstancePtr r = Create(Flavored("pinned", {{"hw:cpu_policy", "dedicated"}}));
  EXPECT_EQ(r->vm_state, model::VmState::kBuilding);
  EXPECT_EQ(rig_.engine->GetClaim(r->uuid())->resources.at("VCPU"), 2);
}

// Nova's workaround: no second question for VCPU.
TEST_F(Asking, PinnedGuests_GoToNoSharedCpus_WhereThatIsForbidden) {
  rig_.options().disable_fallback_pcpu_query = true;
  rig_.Restart();
  HostUpWith("plain", {});
  EXPECT_EQ(Create(Flavored("pinned", {{"hw:cpu_policy", "dedicated"}}))->vm_state,
            model::VmState::kError);
  EXPECT_EQ(Create(Rig::Request("shared"))->vm_state, model::VmState::kBuilding);
}

// Every class Placement knows, an operator's own among them: who reports it is chosen, as long as
// there is some.
TEST_F(Asking, ResourceClasses_ChooseTheHost) {
  std::vector<std::string> names = {"CUSTOM_LICENSE"};
  for (const std::string_view name : model::StandardResourceClasses()) {
    if (name == model::kVcpu || name == model::kPcpu || name == model::kMemoryMb ||
        name == model::kDiskGb) {
      continue;  // of the flavor's own size
    }
    names.emplace_back(name);
  }
  EXPECT_GT(names.size(), 15U);
  HostHello hello;
  hello.agent_version = "test";
  hello.journal_id = rig_.journals["rich"] = Uuid::Random().str();
  hello.report = Rig::Report("rich", 64);
  for (const std::string& name : names) hello.report.inventories[name] = {.total = 3};
  ASSERT_TRUE(rig_.conductor->HostUp(hello).ok());
  int number = 0;
  for (const std::string& name : names) {
    for (const char* prefix : {"resources:", "resources1:"}) {
      const InstancePtr r =
          Create(Flavored("asks-" + std::to_string(++number), {{prefix + name, "2"}}));
      ASSERT_NE(r, nullptr);
      const bool first = prefix == std::string("resources:");
      EXPECT_EQ(r->host, first ? "rich" : "") << prefix << name << ": 3 in all";
      if (!first) continue;
      EXPECT_EQ(rig_.engine->GetClaim(r->uuid())->resources.at(name), 2);
    }
  }
  rig_.CheckInvariants();
}

TEST_F(Asking, WhatPlacementWouldRefuse_IsRefusedByName) {
  const auto field_of = [&](const std::string& name, const model::ExtraSpecs& extra_specs) {
    const auto made = rig_.conductor->CreateInstances(Flavored(name, extra_specs));
    EXPECT_EQ(made.status().code(), Code::kInvalidArgument) << name;
    return DetailsOf(made.status())["field"];
  };
  EXPECT_EQ(field_of("two", {{"resources1:CUSTOM_GOLD", "1"}, {"resources2:CUSTOM_GOLD", "1"}}),
            "group_policy");
  EXPECT_EQ(field_of("bare", {{"trait1:CUSTOM_SSD", "required"}}), "resources1");
  EXPECT_EQ(field_of("policy", {{"hw:cpu_policy", "sometimes"}}), "hw:cpu_policy");
}

}  // namespace
}  // namespace kilonova::scheduler::core
