// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/hardware_rooms.h"

#include <gtest/gtest.h>

#include <string>

namespace kilonova::scheduler::core::fast {
namespace {

hardware::PciDevicePool Pool(const std::string& product, std::int64_t count) {
  return {.vendor_id = "10de", .product_id = product, .count = count};
}

hardware::PciRequest Ask(const std::string& product, std::int64_t count) {
  hardware::PciRequest request;
  request.count = count;
  request.spec = {{{"vendor_id", "10DE"}, {"product_id", product}}};
  return request;
}

hardware::HostNumaTopology TwoCells() {
  hardware::HostNumaTopology topology;
  for (hardware::CpuId first : {0, 4}) {
    hardware::HostNumaCell cell;
    cell.id = first / 4;
    cell.memory = 4096;
    cell.memory_usage = first == 0 ? 1024 : 0;
    for (hardware::CpuId cpu = first; cpu < first + 4; ++cpu) {
      cell.pcpuset.Add(cpu);
      cell.siblings.push_back({cpu});
    }
    if (first == 4) cell.pinned_cpus.Add(5);
    cell.mempages.push_back({.size_kb = 4, .total = 3072 * 256});
    cell.mempages.push_back({.size_kb = 2048, .total = 512, .used = first == 0 ? 12 : 112});
    topology.cells.push_back(cell);
  }
  return topology;
}

std::vector<std::int32_t> Read(const HardwareRooms& rooms, const HostHardware& host) {
  std::vector<std::int32_t> read(rooms.Rows(), -1);
  rooms.Read(&host, read);
  return read;
}

TEST(HardwareRooms, HasRowsForWhatHostsHave) {
  HardwareRooms rooms;
  EXPECT_FALSE(rooms.Learn(nullptr));
  EXPECT_FALSE(rooms.Any());
  EXPECT_EQ(rooms.Rows(), 0U);
  const HostHardware devices(std::nullopt, {Pool("a", 2), Pool("b", 1), Pool("a", 3)});
  EXPECT_TRUE(rooms.Learn(&devices));
  EXPECT_EQ(Read(rooms, devices), (std::vector<std::int32_t>{5, 1}));
  EXPECT_FALSE(rooms.Learn(&devices));
  const HostHardware cells(TwoCells(), {});
  EXPECT_TRUE(rooms.Learn(&cells));
  // CPUs to pin, MiB, MiB in pages of 2 MiB, of 1 GiB, larger than the smallest; devices.
  EXPECT_EQ(Read(rooms, cells), (std::vector<std::int32_t>{4, 4096, 1000, 0, 1000, 0, 0}));
  EXPECT_EQ(Read(rooms, devices), (std::vector<std::int32_t>{0, 0, 0, 0, 0, 5, 1}));
}

TEST(HardwareRooms, NeedsWhatOneOfTheGuestsCellsWants) {
  HardwareRooms rooms;
  PlacementRequest request;
  hardware::InstanceNumaCell cell;
  cell.pcpuset = {0, 1, 2};
  cell.memory = 512;
  cell.cpu_policy = hardware::CpuPolicy::kDedicated;
  cell.pagesize = hardware::kPagesLarge;
  request.numa_topology = {.cells = {cell}};
  std::vector<Need> needs;
  EXPECT_FALSE(rooms.AddNeeds(request, {.cells = true}, 3, needs)) << "no host has cells";
  const HostHardware host(TwoCells(), {});
  rooms.Learn(&host);
  EXPECT_TRUE(rooms.AddNeeds(request, {}, 3, needs));
  EXPECT_TRUE(needs.empty()) << "nobody judges";
  EXPECT_TRUE(rooms.AddNeeds(request, {.cells = true}, 3, needs));
  EXPECT_EQ(needs, (std::vector<Need>{{3, 3}, {4, 512}, {7, 512}}));
  cell.pcpuset = {3};
  cell.pagesize = 2048;
  request.numa_topology->cells.push_back(cell);
  needs.clear();
  EXPECT_TRUE(rooms.AddNeeds(request, {.cells = true}, 3, needs));
  EXPECT_EQ(needs, (std::vector<Need>{{3, 1}, {4, 512}}));
}

TEST(HardwareRooms, NeedsDevicesOfOneRowAlone) {
  HardwareRooms rooms;
  for (const char* product : {"a", "b", "c", "d", "e", "f", "g"}) {
    const HostHardware host(std::nullopt, {Pool(product, 1)});
    rooms.Learn(&host);
  }
  ASSERT_EQ(rooms.Rows(), HardwareRooms::kMostDeviceRows);
  const HostHardware last(std::nullopt, {Pool("f", 1), Pool("g", 2), Pool("c", 4)});
  EXPECT_EQ(Read(rooms, last), (std::vector<std::int32_t>{0, 0, 4, 0, 0, 3}));
  const HardwareJudges judges{.devices = true};
  PlacementRequest request;
  std::vector<Need> needs;
  request.pci_requests = {Ask("B", 2), Ask("g", 1), Ask("b", 1)};
  EXPECT_TRUE(rooms.AddNeeds(request, judges, 0, needs));
  EXPECT_EQ(needs, (std::vector<Need>{{1, 3}, {5, 1}}));
  needs.clear();
  request.pci_requests = {Ask("a", 1)};
  request.pci_requests[0].spec.push_back({{"product_id", "b"}});
  EXPECT_TRUE(rooms.AddNeeds(request, judges, 0, needs));
  EXPECT_TRUE(needs.empty()) << "either may have it";
  request.pci_requests = {Ask("nobody's", 1)};
  EXPECT_FALSE(rooms.AddNeeds(request, judges, 0, needs));
}

TEST(HardwareRooms, ForgetsNoKindBeyondThoseItKeeps) {
  HardwareRooms rooms;
  for (int i = 0; i < 80; ++i) {
    const HostHardware host(std::nullopt, {Pool("p" + std::to_string(i), 1)});
    rooms.Learn(&host);
  }
  const HostHardware host(std::nullopt, {Pool("p79", 7)});
  EXPECT_EQ(Read(rooms, host), (std::vector<std::int32_t>{0, 0, 0, 0, 0, 7}));
  PlacementRequest request;
  request.pci_requests = {Ask("p79", 8)};
  std::vector<Need> needs;
  EXPECT_TRUE(rooms.AddNeeds(request, {.devices = true}, 0, needs));
  EXPECT_EQ(needs, (std::vector<Need>{{5, 8}}));
}

// A tag of that name stands before the field.
TEST(HardwareRooms, TakesHiddenKindsForAny) {
  HardwareRooms rooms;
  hardware::PciDevicePool pool = Pool("a", 3);
  pool.tags["product_id"] = "b";
  const HostHardware host(std::nullopt, {pool});
  rooms.Learn(&host);
  PlacementRequest request;
  request.pci_requests = {Ask("b", 2)};
  std::vector<Need> needs;
  EXPECT_TRUE(rooms.AddNeeds(request, {.devices = true}, 0, needs));
  EXPECT_EQ(needs, (std::vector<Need>{{0, 2}}));
}

}  // namespace
}  // namespace kilonova::scheduler::core::fast
