// SPDX-License-Identifier: Apache-2.0
// Flavors that ask for PCI devices by an alias.
#include <gmock/gmock.h>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using testing::HasSubstr;

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
    model::HostReport report = Rig::Report(host);
    report.pci_pools = {{"10de", "1db4", 0, gpus, {{"dev_type", "type-PCI"}}}};
    return rig_.Up(report).status();
  }
  Expected<InstancePtr> Create(const std::string& id, const std::string& flavor) {
    CreateRequest request = Rig::Request(id);
    request.instance.flavor = flavor;
    ASSIGN_OR_RETURN(const auto made, rig_.conductor->CreateInstances(request));
    return made[0];
  }
};

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

}  // namespace
}  // namespace kilonova::scheduler::core
