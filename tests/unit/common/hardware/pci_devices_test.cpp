// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pci_devices.h"

#include <gtest/gtest.h>

#include "common/hardware/errors.h"
#include "tests/unit/common/hardware/builders.h"

namespace kilonova::hardware {
namespace {

AssignablePciDevice Plain(const std::string& address, std::optional<std::int64_t> node = 0) {
  AssignablePciDevice one;
  one.device.address = address;
  one.device.vendor_id = "10de";
  one.device.product_id = "1db4";
  one.device.numa_node = node;
  return one;
}

AssignablePciDevice Physical(const std::string& address, std::vector<std::string> functions) {
  AssignablePciDevice one = Plain(address);
  one.device.dev_type = "type-PF";
  one.device.virtual_functions = std::move(functions);
  return one;
}

AssignablePciDevice Virtual(const std::string& address, const std::string& parent) {
  AssignablePciDevice one = Plain(address);
  one.device.dev_type = "type-VF";
  one.device.parent_addr = parent;
  return one;
}

PciRequest Ask(std::int64_t count, PciSpec spec = {},
               PciNumaPolicy policy = PciNumaPolicy::kLegacy) {
  return {count, {std::move(spec)}, "gpu", "", policy};
}

TEST(PciDevices, PoolsAreNovas) {
  AssignablePciDevice card = Virtual("0000:05:00.1", "0000:05:00.0");
  card.device.parent_ifname = "eth0";
  card.tags = {{"physical_network", std::nullopt}, {"remote_managed", std::nullopt}};
  const auto pools =
      PciDevices({card, Plain("0000:81:00.0", std::nullopt), Plain("0000:82:00.0", std::nullopt)})
          .Free()
          .Pools();
  EXPECT_EQ(pools, (std::vector<PciDevicePool>{
                       {"10de", "1db4", std::nullopt, 2, {{"dev_type", "type-PCI"}}},
                       {"10de",
                        "1db4",
                        0,
                        1,
                        {{"dev_type", "type-VF"},
                         {"parent_ifname", "eth0"},
                         {"physical_network", std::nullopt},
                         {"remote_managed", "false"}}}}));
}

TEST(PciDevices, TheLastDeviceIsGivenOnce) {
  PciDevices devices({Plain("0000:05:00.0"), Plain("0000:06:00.0")});
  const auto two = devices.Take({Ask(2)}, {});
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ(*two, (std::vector<std::string>{"0000:06:00.0", "0000:05:00.0"}));
  const auto none = devices.Take({Ask(1)}, {});
  EXPECT_TRUE(HasReason(none.status(), reason::kHostResourcesExhausted));
  EXPECT_EQ(NovaExceptionOf(none.status()), "PciDeviceRequestFailed");
  devices.Return({"0000:05:00.0"});
  EXPECT_EQ(*devices.Take({Ask(1)}, {}), std::vector<std::string>{"0000:05:00.0"});
}

TEST(PciDevices, ARefusalTakesNothing) {
  PciDevices devices({Plain("0000:05:00.0"), Plain("0000:06:00.0")});
  EXPECT_FALSE(devices.Take({Ask(1), Ask(2)}, {}).ok());
  EXPECT_EQ(testing::CountDevices(devices.Free()), 2);
}

TEST(PciDevices, PhysicalAndVirtualFunctionsExcludeEachOther) {
  PciDevices devices({Physical("0000:05:00.0", {}), Virtual("0000:05:00.1", "0000:05:00.0"),
                      Virtual("0000:05:00.2", "0000:05:00.0")});
  const PciSpec physical = {{"dev_type", "type-PF"}}, one_virtual = {{"dev_type", "type-VF"}};
  EXPECT_EQ(testing::CountDevices(devices.Free()), 3);
  EXPECT_FALSE(devices.Take({Ask(1, physical), Ask(1, one_virtual)}, {}).ok());
  EXPECT_FALSE(devices.Take({Ask(1, one_virtual), Ask(1, physical)}, {}).ok());
  const auto taken = devices.Take({Ask(2, one_virtual)}, {});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(testing::CountDevices(devices.Free()), 0);
  devices.Return({"0000:05:00.1"});
  EXPECT_FALSE(devices.Take({Ask(1, physical)}, {}).ok()) << "one of its functions is still in use";
  devices.Return({"0000:05:00.2"});
  ASSERT_TRUE(devices.Take({Ask(1, physical)}, {}).ok());
  EXPECT_EQ(testing::CountDevices(devices.Free()), 0);
}

TEST(PciDevices, PoolsKeepTheirOrderWithinARequest) {
  AssignablePciDevice other = Virtual("0000:06:00.1", "0000:06:00.0");
  other.device.product_id = "154d";
  AssignablePciDevice first = Physical("0000:05:00.0", {}), last = Physical("0000:81:00.0", {});
  first.device.product_id = "1001";
  last.device.product_id = "1002";
  // The functions of both are a pool, and it is before that of `other`: its first is at 05.
  PciDevices devices({first, Virtual("0000:05:00.1", "0000:05:00.0"), other, last,
                      Virtual("0000:81:00.1", "0000:81:00.0")});
  const PciSpec physical = {{"dev_type", "type-PF"}, {"product_id", "1001"}};
  const auto taken = devices.Take({Ask(1, physical), Ask(1, {{"dev_type", "type-VF"}})}, {});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(*taken, (std::vector<std::string>{"0000:05:00.0", "0000:81:00.1"}));
}
TEST(PciDevices, AFunctionTheConfigurationNoLongerTakesStillExcludes) {
  PciDevices devices(
      {Physical("0000:05:00.0", {"0000:05:00.1"}), Virtual("0000:06:00.1", "0000:06:00.0")});
  devices.Adopt({"0000:05:00.1", "0000:06:00.0", "0000:99:00.0"});
  EXPECT_EQ(testing::CountDevices(devices.Free()), 0);
  devices.Return({"0000:05:00.1", "0000:06:00.0", "0000:99:00.0"});
  EXPECT_EQ(testing::CountDevices(devices.Free()), 2);
}

TEST(PciDevices, ThePolicySaysHowNearADeviceMustBe) {
  HostNumaTopology host;
  for (const std::int64_t id : {0, 1, 2}) {
    host.cells.emplace_back();
    host.cells.back().id = id;
    host.cells.back().socket = id / 2;
  }
  const PciAffinity on_cell_0{&host, {0}};
  using P = PciNumaPolicy;
  const auto given = [&](std::optional<std::int64_t> node, P policy) {
    PciDevices devices({Plain("0000:05:00.0", node)});
    return devices.Take({Ask(1, {}, policy)}, on_cell_0).ok();
  };
  EXPECT_FALSE(given(1, P::kRequired));
  EXPECT_FALSE(given(1, P::kLegacy));
  EXPECT_TRUE(given(1, P::kSocket));
  EXPECT_FALSE(given(2, P::kSocket));
  EXPECT_TRUE(given(2, P::kPreferred));
  EXPECT_TRUE(given(std::nullopt, P::kLegacy));
  EXPECT_FALSE(given(std::nullopt, P::kRequired));
  // Nearer ones go first, whatever would do.
  PciDevices devices({Plain("0000:05:00.0", 0), Plain("0000:06:00.0", 2)});
  EXPECT_EQ(*devices.Take({Ask(1, {}, P::kPreferred)}, on_cell_0),
            std::vector<std::string>{"0000:05:00.0"});
}

}  // namespace
}  // namespace kilonova::hardware
