// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/host_hardware.h"

#include <gtest/gtest.h>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

using testing::Host;
using testing::Request;
using testing::SmallFlavor;

// One cell of four cores to pin.
hardware::HostNumaTopology OneCell() {
  hardware::HostNumaCell cell;
  cell.pcpuset = {0, 1, 2, 3};
  cell.memory = 8192;
  for (const hardware::CpuId cpu : {0, 1, 2, 3}) cell.siblings.push_back({cpu});
  cell.mempages.push_back({.size_kb = 4, .total = 8192 * 256});
  return {.cells = {cell}};
}

hardware::InstanceNumaTopology Pinned(hardware::CpuSet cpus) {
  hardware::InstanceNumaCell cell;
  cell.pcpuset = std::move(cpus);
  cell.memory = 512;
  cell.cpu_policy = hardware::CpuPolicy::kDedicated;
  return {.cells = {cell}};
}

hardware::PciRequest Vf(std::int64_t count) {
  hardware::PciRequest request;
  request.count = count;
  request.spec = {{{"vendor_id", "8086"}}};
  return request;
}

HostState NumaHost(const std::string& name) {
  HostState host = Host(name);
  host.numa_topology = OneCell();
  host.pci_device_pools = {{.vendor_id = "8086", .product_id = "154d", .count = 2}};
  return host;
}

Pipeline HardwarePipeline() {
  Pipeline pipeline;
  pipeline.filters =
      filters::MakeFilters({"NUMATopologyFilter", "PciPassthroughFilter"}, {}).value();
  pipeline.weighers = weighers::MakeWeighers(weighers::DefaultWeighers(), {}).value();
  return pipeline;
}

PlacementRequest PinnedRequest(std::size_t count) {
  auto request = Request(SmallFlavor(2), count);
  request.numa_topology = Pinned({0, 1});
  return request;
}

TEST(HostHardware, WhatIsTakenIsGivenBack) {
  HostHardware hardware(OneCell(), {{.vendor_id = "8086", .product_id = "154d", .count = 2}});
  const auto before = *hardware.numa();
  const UuidKey instance{1, 2};
  std::optional<hardware::InstanceNumaTopology> wanted = Pinned({0, 1});
  ASSERT_TRUE(hardware.Take(instance, {.numa = wanted, .pci = {Vf(1)}}));
  EXPECT_EQ(hardware.numa()->cells[0].pinned_cpus.Size(), 2U);
  EXPECT_EQ(hardware.FreeDevices(), 1);
  EXPECT_EQ(wanted->cells[0].cpu_pinning.size(), 2U);
  ASSERT_TRUE(hardware.Give(instance));
  EXPECT_EQ(*hardware.numa(), before);
  EXPECT_EQ(hardware.FreeDevices(), 2);
  EXPECT_FALSE(hardware.Give(instance));
}

TEST(HostHardware, AReportKeepsWhatClaimsHold) {
  HostHardware before(OneCell(), {{.vendor_id = "8086", .product_id = "154d", .count = 2}});
  std::optional<hardware::InstanceNumaTopology> wanted = Pinned({0, 1, 2});
  ASSERT_TRUE(before.Take({1, 2}, {.numa = wanted, .pci = {Vf(2)}}));
  HostHardware after(OneCell(), {{.vendor_id = "8086", .product_id = "154d", .count = 4}});
  after.Inherit(std::move(before), {});
  EXPECT_EQ(after.numa()->cells[0].pinned_cpus.Size(), 3U);
  EXPECT_EQ(after.FreeDevices(), 2);
}

TEST(HostHardware, WhatAReportMeasuresCountsOnce) {
  const UuidKey known{1, 2};
  const UuidKey fresh{3, 4};
  HostHardware before(OneCell(), {{.vendor_id = "8086", .product_id = "154d", .count = 2}});
  std::optional<hardware::InstanceNumaTopology> wanted = Pinned({0, 1});
  ASSERT_TRUE(before.Take(known, {.numa = wanted, .pci = {Vf(1)}}));
  auto measured = *before.numa();
  wanted = Pinned({0});
  ASSERT_TRUE(before.Take(fresh, {.numa = wanted, .pci = {}}));

  HostHardware after(measured, {{.vendor_id = "8086", .product_id = "154d", .count = 1}});
  after.Inherit(std::move(before), {known});
  EXPECT_EQ(after.numa()->cells[0].pinned_cpus.Size(), 3U);
  EXPECT_EQ(after.FreeDevices(), 1);
  // Only the next report says that it is gone; what it was is known, for the host it moves to.
  const auto use = after.Give(known);
  ASSERT_TRUE(use);
  EXPECT_TRUE(use->numa);
  EXPECT_EQ(after.numa()->cells[0].pinned_cpus.Size(), 3U);
  EXPECT_EQ(after.FreeDevices(), 1);
  ASSERT_TRUE(after.Give(fresh));
  EXPECT_EQ(after.numa()->cells[0].pinned_cpus.Size(), 2U);
}

TEST(HostHardware, NoCpuIsPinnedTwice) {
  Engine engine(HardwarePipeline());
  ASSERT_TRUE(engine.UpsertHost(NumaHost("a")).ok());
  auto placed = engine.Place(PinnedRequest(2));
  ASSERT_TRUE(placed.ok()) << placed.status();
  ASSERT_TRUE(placed->placed()) << placed->refusal.summary;
  const auto third = engine.Place(PinnedRequest(1));
  ASSERT_TRUE(third.ok()) << third.status();
  ASSERT_FALSE(third->placed());
  EXPECT_NE(third->refusal.summary.find("NUMATopologyFilter"), std::string::npos)
      << third->refusal.summary;
  ASSERT_TRUE(engine.Release(placed->selections[0].instance));
  EXPECT_TRUE(engine.Place(PinnedRequest(1))->placed());
}

TEST(HostHardware, ADryRunAndARefusalTakeNothing) {
  Engine engine(HardwarePipeline());
  ASSERT_TRUE(engine.UpsertHost(NumaHost("a")).ok());
  EXPECT_TRUE(engine.DryRun(PinnedRequest(2))->placed());
  EXPECT_FALSE(engine.Place(PinnedRequest(3))->placed());
  EXPECT_TRUE(engine.Place(PinnedRequest(2))->placed());
}

TEST(HostHardware, DevicesRunOut) {
  Engine engine(HardwarePipeline());
  ASSERT_TRUE(engine.UpsertHost(NumaHost("a")).ok());
  ASSERT_TRUE(engine.UpsertHost(Host("b")).ok());
  auto request = Request(SmallFlavor(), 2);
  request.pci_requests = {Vf(1)};
  const auto placed = engine.Place(request);
  ASSERT_TRUE(placed->placed()) << placed->refusal.summary;
  for (const auto& selection : placed->selections) EXPECT_EQ(selection.chosen.host, "a");
  request = Request(SmallFlavor());
  request.pci_requests = {Vf(1)};
  EXPECT_FALSE(engine.Place(request)->placed());
}

}  // namespace
}  // namespace kilonova::scheduler::core
