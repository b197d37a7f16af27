// SPDX-License-Identifier: Apache-2.0
// What Nova 26.2 answers in the same places was asked of it: driver.py's _get_supported_vgpu_types,
// _get_vgpu_type_per_pgpu, _get_resource_class_for_device and _get_gpu_inventories.
#include "common/hardware/mdevs.h"

#include <gmock/gmock.h>

#include <set>

#include "common/hardware/errors.h"

namespace kilonova::hardware {
namespace {

using ::testing::ElementsAre;

constexpr const char* kSix = "pci_0000_06_00_0";
constexpr const char* kSeven = "pci_0000_07_00_0";

Uuid Nth(int n) {
  char text[40];
  std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012x", static_cast<unsigned>(n));
  return *Uuid::Parse(text);
}

MdevTypes Types(std::vector<MdevTypeOptions> enabled) {
  auto types = MdevTypes::From(enabled);
  EXPECT_TRUE(types.ok()) << Describe(types.status());
  return types.value_or(MdevTypes());
}

// nvidia-35 on 06 as VGPU, nvidia-36 on 07 as a class of its own.
MdevTypes Two() {
  return Types({{"nvidia-35", {"0000:06:00.0"}, "VGPU", {"CUSTOM_SMALL"}},
                {"nvidia-36", {"0000:07:00.0", "0000:0A:00.0"}, "CUSTOM_BIG", {}}});
}

TEST(MdevTypes, OneType_EveryGpuServesItAsVgpu) {
  for (const auto& types :
       {Types({{.type = "nvidia-35"}}), Types({{"nvidia-35", {"0000:06:00.0"}, "CUSTOM_X", {}}})}) {
    for (const char* parent : {kSix, "pci_0000_0a_00_0", "css_0_0_0007", "pci_06_00_0", ""}) {
      EXPECT_EQ(types.TypeOf(parent), "nvidia-35") << parent;
      EXPECT_EQ(types.ClassOf(parent), "VGPU") << parent;
    }
    EXPECT_TRUE(types.Serves("VGPU"));
    EXPECT_FALSE(types.Serves("CUSTOM_X"));
  }
  EXPECT_TRUE(MdevTypes().Empty());
  EXPECT_EQ(MdevTypes().TypeOf(kSix), "");
  EXPECT_FALSE(MdevTypes().Serves("VGPU"));
}

TEST(MdevTypes, SeveralTypes_EachGpuServesItsOwn) {
  const MdevTypes types = Two();
  EXPECT_EQ(types.TypeOf(kSix), "nvidia-35");
  EXPECT_EQ(types.ClassOf(kSix), "VGPU");
  EXPECT_EQ(types.TypeOf("pci_0000_07_00_0_x"), "nvidia-36");
  EXPECT_EQ(types.ClassOf(kSeven), "CUSTOM_BIG");
  EXPECT_THAT(types.TraitsOf(kSix), ElementsAre("CUSTOM_SMALL"));
  EXPECT_THAT(types.TraitsOf(kSeven), ElementsAre());
  // Nova compares texts: an address in capitals is none that libvirt names.
  EXPECT_EQ(types.TypeOf("pci_0000_0A_00_0"), "nvidia-36");
  for (const char* parent : {"pci_0000_0a_00_0", "pci_0000_08_00_0", "css_0_0_0007", "pci_06_00_0",
                             "", "pci", "pci_", "____", "pci_0000_06_00"}) {
    EXPECT_EQ(types.TypeOf(parent), "") << parent;
  }
  EXPECT_TRUE(types.Serves("CUSTOM_BIG"));
}

TEST(MdevTypes, ATypeThatNamesNoDevice_LeavesTheFirstAlone) {
  const MdevTypes types = Types({{"a", {"0000:06:00.0"}, "CUSTOM_X", {}}, {.type = "b"}});
  EXPECT_EQ(types.TypeOf(kSix), "a");
  EXPECT_EQ(types.TypeOf(kSeven), "a");
  EXPECT_EQ(types.ClassOf(kSix), "VGPU");
  // As far as Nova reads: what comes behind such a type is not looked at.
  EXPECT_TRUE(
      MdevTypes::From({{.type = "a"}, {"b", {"0000:06:00.0", "0000:06:00.0"}, "VGPU", {}}}).ok());
}

TEST(MdevTypes, WhatNovaRefuses) {
  const auto refused = [](const std::vector<MdevTypeOptions>& enabled, const char* field,
                          const char* value) {
    const auto types = MdevTypes::From(enabled);
    ASSERT_FALSE(types.ok()) << field << " " << value;
    EXPECT_EQ(ReasonOf(types.status()), "CONFIG_INVALID");
    EXPECT_EQ(DetailsOf(types.status())["field"], field);
    EXPECT_EQ(DetailsOf(types.status())["value"], value);
    EXPECT_NE(std::string(Message(types.status())).find(field), std::string::npos);
  };
  const std::string six = "0000:06:00.0";
  refused({{"a", {six}, "VGPU", {}}, {"b", {six}, "VGPU", {}}}, "mdev_b.device_addresses",
          six.c_str());
  refused({{"a", {six, six}, "VGPU", {}}, {"b", {}, "VGPU", {}}}, "mdev_a.device_addresses",
          six.c_str());
  refused({{"a", {six}, "VGPU", {}}, {"a", {six}, "VGPU", {}}}, "mdev_a.device_addresses",
          six.c_str());
  for (const char* address : {"zz:06:00.0", "06:00.0", "0000:06:00.8", "0000:06:00.0 ", "",
                              "pci_0000_06_00_0", "0000:06:00x0", "00000:06:00.0"}) {
    refused({{"a", {six}, "VGPU", {}}, {"b", {address}, "VGPU", {}}}, "mdev_b.device_addresses",
            address);
  }
  for (const char* name : {"custom_x", "CUSTOM_", "CUSTOM_a", "VGPU2", "", "PGPU"}) {
    refused({{"a", {six}, name, {}}, {"b", {"0000:07:00.0"}, "VGPU", {}}}, "mdev_a.mdev_class",
            name);
  }
  refused({{"a", {}, "CUSTOM_" + std::string(250, 'A'), {}}}, "mdev_a.mdev_class",
          ("CUSTOM_" + std::string(250, 'A')).c_str());
  refused({{"a", {}, "VGPU", {"HW_GPU"}}}, "mdev_a.traits", "HW_GPU");
  for (const char* type : {"", "../x", "a/b", "a b", ".", ".."}) {
    refused({{.type = type}}, "devices.enabled_mdev_types", type);
  }
}

TEST(MdevInventories, AreWhatIsThereAndWhatCanBeMade) {
  MdevMachine machine;
  machine.parents = {{kSix, {{"nvidia-35", 3}, {"nvidia-36", 9}}},
                     {kSeven, {{"nvidia-35", 5}}},
                     {"pci_0000_08_00_0", {{"nvidia-35", 7}}}};
  machine.mdevs = {{Nth(1), kSix, "nvidia-35"},
                   {Nth(2), kSix, "nvidia-36"},
                   {Nth(3), kSeven, "nvidia-36"},
                   {Nth(4), "pci_0000_08_00_0", "nvidia-35"}};
  const auto inventories = MdevInventories(Two(), machine);
  ASSERT_EQ(inventories.size(), 2U);
  EXPECT_EQ(inventories.at(kSix).total, 4);
  EXPECT_EQ(inventories.at(kSix).max_unit, 4);
  EXPECT_EQ(inventories.at(kSix).reserved, 0);
  // As in Nova: nothing more is said of one that can make none of its type.
  EXPECT_EQ(inventories.at(kSeven).total, 1);
  EXPECT_EQ(inventories.at(kSeven).max_unit, INT32_MAX);
  EXPECT_TRUE(MdevInventories(MdevTypes(), machine).empty());
  machine.mdevs.clear();
  machine.parents = {{kSix, {{"nvidia-35", 0}}}, {kSeven, {{"nvidia-36", INT64_MAX}}}};
  EXPECT_EQ(MdevInventories(Two(), machine).size(), 1U);
  EXPECT_EQ(MdevInventories(Two(), machine).at(kSeven).total, INT32_MAX);
  machine.parents[1].available["nvidia-36"] = -4;
  EXPECT_TRUE(MdevInventories(Two(), machine).empty());
}

TEST(MdevsAsked, GroupByGroupOfClassesServed) {
  model::Flavor flavor;
  flavor.extra_specs = {{"resources:VGPU", "1"},       {"resources_A:CUSTOM_BIG", "2"},
                        {"resources1:VGPU", "0"},      {"resources:CUSTOM_OTHER", "1"},
                        {"resources2:VGPU", "many"},   {"resources3:VGPU", "99999999999999999999"},
                        {"trait:CUSTOM_X", "required"}};
  EXPECT_THAT(MdevsAsked(flavor, Two()),
              ElementsAre(MdevRequest{"", "VGPU", 1}, MdevRequest{"", "CUSTOM_BIG", 2}));
  EXPECT_THAT(MdevsAsked(flavor, MdevTypes()), ElementsAre(MdevRequest{"", "VGPU", 1}));
}

class Take : public ::testing::Test {
 protected:
  Expected<std::vector<Mdev>> Of(const std::vector<MdevRequest>& requests) {
    return TakeMdevs(types_, machine_, Nth(900), others_, requests);
  }
  void ExpectNone(const MdevRequest& request, const char* free) {
    const auto taken = Of({request});
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(ReasonOf(taken.status()), "HOST_RESOURCES_EXHAUSTED");
    EXPECT_EQ(DetailsOf(taken.status())["free"], free);
    EXPECT_EQ(NovaExceptionOf(taken.status()), "ComputeResourcesUnavailable");
  }
  MdevTypes types_ = Two();
  MdevMachine machine_{{{kSix, {{"nvidia-35", 2}}}, {kSeven, {{"nvidia-36", 1}}}}, {}, {}};
  std::vector<Mdev> others_;
};

TEST_F(Take, IdleOnesFirstThenNewOnes) {
  machine_.mdevs = {
      {Nth(2), kSix, "nvidia-35"}, {Nth(1), kSix, "nvidia-35"}, {Nth(3), kSix, "nvidia-99"}};
  const auto taken = Of({{kSix, "VGPU", 3}});
  ASSERT_TRUE(taken.ok()) << taken.status();
  ASSERT_EQ(taken->size(), 3U);
  EXPECT_EQ((*taken)[0].uuid, Nth(1));
  EXPECT_EQ((*taken)[1].uuid, Nth(2));
  EXPECT_EQ((*taken)[2].type, "nvidia-35");
  EXPECT_EQ((*taken)[2].parent, kSix);
  std::set<Uuid> uuids;
  for (const Mdev& mdev : *taken) uuids.insert(mdev.uuid);
  EXPECT_EQ(uuids.size(), 3U);
  ExpectNone({kSix, "VGPU", 5}, "4");
}

TEST_F(Take, WhatOthersWerePromisedIsTheirs) {
  machine_.mdevs = {{Nth(1), kSix, "nvidia-35"}, {Nth(2), kSix, "nvidia-35"}};
  others_ = {{Nth(1), kSix, "nvidia-35"},   // made
             {Nth(7), kSix, "nvidia-35"}};  // to be made: of the two that can be
  EXPECT_EQ(Of({{kSix, "VGPU", 2}})->size(), 2U);
  ExpectNone({kSix, "VGPU", 3}, "2");
  // More was promised than there is: what was configured has changed.
  others_.insert(others_.end(), {{Nth(8), kSix, "nvidia-35"}, {Nth(9), kSix, "nvidia-35"}});
  EXPECT_EQ((*Of({{kSix, "VGPU", 1}}))[0].uuid, Nth(2));
  ExpectNone({kSix, "VGPU", 2}, "1");
}

TEST_F(Take, ADomainsDeviceIsNobodyElses) {
  machine_.parents.clear();
  machine_.mdevs = {{Nth(1), kSix, "nvidia-35"}};
  machine_.users = {{Nth(1), Nth(500)}};  // somebody else's domain
  ExpectNone({kSix, "VGPU", 1}, "0");
  machine_.users = {{Nth(1), Nth(900)}};
  EXPECT_EQ((*Of({{kSix, "VGPU", 1}}))[0].uuid, Nth(1));
}

TEST_F(Take, OfTheDeviceAskedForAndNoOther) {
  EXPECT_EQ((*Of({{kSeven, "CUSTOM_BIG", 1}}))[0].parent, kSeven);
  ExpectNone({kSeven, "VGPU", 1}, "0");
  ExpectNone({"pci_0000_99_00_0", "VGPU", 1}, "0");
  ExpectNone({"host2_pci_0000_06_00_0", "VGPU", 1}, "0");
  ExpectNone({kSix, "VGPU", INT64_MAX}, "2");
  EXPECT_EQ((*Of({{"", "CUSTOM_BIG", 1}}))[0].type, "nvidia-36");
  const auto both = Of({{"", "VGPU", 1}, {kSeven, "CUSTOM_BIG", 1}, {kSix, "VGPU", 1}});
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->size(), 3U);
  EXPECT_FALSE(Of({{"", "VGPU", 1}, {"", "VGPU", 2}}).ok());
}

}  // namespace
}  // namespace kilonova::hardware
