// SPDX-License-Identifier: Apache-2.0
#include "agent/core/host_topology.h"

#include <gmock/gmock.h>

#include "agent/core/inventory.h"
#include "common/hardware/reported.h"

namespace kilonova::agent::core {
namespace {

using hardware::CpuSet;

// Two cells of two cores with two threads each; 2 MiB pages on the second.
HostFacts TwoCells() {
  HostFacts facts;
  facts.cpus = 8;
  facts.memory_mb = 8192;
  for (int c = 0; c < 2; ++c) {
    HostCell& cell = facts.guests.cells.emplace_back();
    cell.id = c;
    cell.memory_kib = 4 << 20;
    cell.pages = {{4, 1 << 20}};
    if (c == 1) cell.pages.push_back({2048, 512});
    for (int i = 0; i < 4; ++i) {
      const int id = c * 4 + i;
      const int core = id / 2 * 2;
      cell.cpus.push_back({id, c, core, {core, core + 1}});
      facts.guests.online_cpus.insert(id);
    }
  }
  return facts;
}

TEST(HostTopology, WithoutSetsBothKindsHaveAll) {
  const auto topology = *HostTopology({}, TwoCells());
  ASSERT_EQ(topology->cells.size(), 2u);
  const auto& cell = topology->cells[1];
  EXPECT_EQ(cell.cpuset, CpuSet::Range(4, 7));
  EXPECT_EQ(cell.pcpuset, CpuSet::Range(4, 7));
  EXPECT_EQ(cell.memory, 4096);
  EXPECT_EQ(cell.siblings, (std::vector<CpuSet>{{4, 5}, {6, 7}}));
  EXPECT_EQ(cell.socket, 1);
  EXPECT_EQ(cell.mempages.size(), 2u);
  // Placement is told of shared CPUs alone then.
  const auto inventories = MakeInventories({}, TwoCells(), {});
  EXPECT_EQ(inventories.at("VCPU").total, 8);
  EXPECT_FALSE(inventories.contains("PCPU"));
}

TEST(HostTopology, SetsDivideTheMachine) {
  AgentSettings settings;
  settings.cpu_shared_set = CpuSet{0, 1};
  settings.cpu_dedicated_set = CpuSet::Range(3, 7);
  settings.reserved_huge_pages[1][2048] = 64;
  const auto topology = *HostTopology(settings, TwoCells());
  EXPECT_EQ(topology->cells[0].cpuset, (CpuSet{0, 1}));
  EXPECT_EQ(topology->cells[0].pcpuset, CpuSet{3});
  EXPECT_EQ(topology->cells[0].siblings, (std::vector<CpuSet>{{0, 1}, {3}}));
  EXPECT_EQ(topology->cells[1].mempages[1].reserved, 64);
  EXPECT_EQ(topology->cells[0].mempages[0].reserved, 0);
  const auto inventories = MakeInventories(settings, TwoCells(), {});
  EXPECT_EQ(inventories.at("VCPU").total, 2);
  EXPECT_EQ(inventories.at("PCPU").total, 5);
  EXPECT_EQ(inventories.at("PCPU").allocation_ratio, 1.0);
}

TEST(HostTopology, OneSetAloneLeavesTheOtherKindNothing) {
  AgentSettings settings;
  settings.cpu_dedicated_set = CpuSet::Range(0, 7);
  EXPECT_TRUE((*HostTopology(settings, TwoCells()))->cells[0].cpuset.Empty());
  EXPECT_FALSE(MakeInventories(settings, TwoCells(), {}).contains("VCPU"));
  settings.cpu_shared_set.swap(settings.cpu_dedicated_set);
  EXPECT_TRUE((*HostTopology(settings, TwoCells()))->cells[0].pcpuset.Empty());
}

TEST(HostTopology, WrongSetsAreRefused) {
  AgentSettings settings;
  settings.cpu_shared_set = CpuSet{8};
  EXPECT_EQ(ReasonOf(HostTopology(settings, TwoCells()).status()), "CONFIG_INVALID");
  settings.cpu_shared_set = CpuSet{0, 1};
  settings.cpu_dedicated_set = CpuSet{1, 2};
  EXPECT_EQ(ReasonOf(CpusOf(settings, TwoCells()).status()), "CONFIG_INVALID");
  EXPECT_FALSE(HostTopology({}, HostFacts{})->has_value());
}

TEST(HostTopology, SurvivesItsReport) {
  AgentSettings settings;
  settings.cpu_shared_set = CpuSet{0, 1};
  settings.cpu_dedicated_set = CpuSet::Range(3, 7);
  settings.reserved_huge_pages[1][2048] = 64;
  auto topology = **HostTopology(settings, TwoCells());
  topology.cells[0].pinned_cpus = {3};
  topology.cells[0].cpu_usage = 2;
  topology.cells[1].memory_usage = 512;
  topology.cells[1].mempages[1].used = 7;
  const auto report = hardware::ToReport(topology);
  EXPECT_EQ(*hardware::FromReport(report), topology);
  auto bad = report;
  bad[0].cpuset = "0-";
  EXPECT_EQ(DetailsOf(hardware::FromReport(bad).status()).at("field"), "numa_cells.0.cpuset");
  bad = report;
  bad[1].id = 0;
  EXPECT_FALSE(hardware::FromReport(bad).ok());
  bad = report;
  bad[1].pages[0].size_kb = 0;
  EXPECT_FALSE(hardware::FromReport(bad).ok());
}

}  // namespace
}  // namespace kilonova::agent::core
