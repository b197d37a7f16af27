// SPDX-License-Identifier: Apache-2.0
// What is kept up with the fleet is what a look at every host says.
#include "scheduler/core/fallback_watch.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

// Full, or with room, in PCPU, VCPU, both or neither; some with a cell of CPUs to pin.
HostState RandomHost(int number, std::mt19937& random) {
  HostState host = testing::Host("h" + std::to_string(number));
  if (random() % 4 != 0) host.inventories["PCPU"] = testing::Inv(random() % 8 + 1);
  if (random() % 2 == 0) host.inventories.erase("VCPU");
  if (random() % 2 == 0) {
    hardware::HostNumaCell cell;
    cell.memory = 8192;
    const auto cpus = static_cast<hardware::CpuId>(random() % 8);
    for (hardware::CpuId cpu = 0; cpu < cpus; ++cpu) cell.pcpuset.Add(cpu);
    host.numa_topology = hardware::HostNumaTopology{.cells = {cell}};
  }
  if (random() % 50 == 0)
    host.nested = {{.name = "gpu", .inventories = {{"VGPU", testing::Inv(1)}}}};
  return host;
}

class FallbackWatchTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(FallbackWatchTest, SaysWhatALookAtEveryHostSays) {
  std::mt19937 random(GetParam());
  Fleet fleet;
  const auto held = [&](const char* cpus, std::int64_t amount) {
    return fleet
        .HoldFootprint(FootprintOf(testing::SmallFlavor(), {{cpus, amount}, {"MEMORY_MB", 512}}),
                       Fleet::NewClasses::kAdd)
        .value();
  };
  std::vector<FallbackWatch::Question> questions;
  for (const std::int64_t amount : {1, 4, 9}) {
    for (const bool judged : {false, true}) {
      questions.push_back({held("PCPU", amount), held("VCPU", amount),
                           judged ? static_cast<std::size_t>(amount) : 0, judged});
    }
  }
  FallbackWatch watch(fleet);
  std::vector<std::pair<UuidKey, HostIndex>> claims;
  int yes = 0, no = 0;
  for (int step = 0; step < 3000; ++step) {
    const auto what = random() % 10;
    if (what < 3) {
      ASSERT_TRUE(fleet.Upsert(RandomHost(static_cast<int>(random() % 6), random)).ok());
    } else if (what < 7 && fleet.Count() > 0) {
      const auto host = static_cast<HostIndex>(random() % fleet.Slots());
      if (!fleet.Present(host)) continue;
      const auto& question = questions[random() % questions.size()];
      const UuidKey key = KeyOf(Uuid::Random());
      const auto footprint = random() % 2 == 0 ? question.first : question.second;
      if (!fleet.Fits(host, fleet.FootprintAt(footprint))) continue;
      ASSERT_TRUE(fleet.AddClaim(key, host, footprint, false));
      claims.emplace_back(key, host);
    } else if (what < 9 && !claims.empty()) {
      fleet.DropClaim(claims.back().first);
      claims.pop_back();
    } else if (step % 40 == 39) {
      SharingProvider pool{.name = "pool", .inventories = {{"DISK_GB", testing::Inv(10)}}};
      if (fleet.provider_trees().AnyShared()) {
        fleet.Unshare("pool");
      } else {
        fleet.Share(pool);
      }
    } else if (fleet.Count() > 3) {
      const auto host = static_cast<HostIndex>(random() % fleet.Slots());
      if (fleet.Present(host) && fleet.Numbers(host).claims == 0) fleet.Remove(host);
    }
    // More than are remembered, at times.
    if (step % 700 == 699 && fleet.Present(0)) {
      for (std::uint64_t i = 0; i <= Fleet::kChangesKept; ++i) fleet.SetUp(0, i % 2 == 0);
    }
    const auto& question = questions[random() % questions.size()];
    FallbackWatch fresh(fleet);
    const bool any = fresh.Any(question);
    ASSERT_EQ(watch.Any(question), any) << "step " << step;
    (any ? yes : no) += 1;
  }
  EXPECT_GT(yes, 100);
  EXPECT_GT(no, 100);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FallbackWatchTest, ::testing::Values(1U, 2U, 3U));

}  // namespace
}  // namespace kilonova::scheduler::core
