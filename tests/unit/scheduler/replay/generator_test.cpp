// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace kilonova::scheduler::replay {
namespace {

std::vector<TraceVm> Made(std::uint64_t seed = 1) {
  auto vms = GenerateWorkload({.seed = seed, .days = 14, .arrivals = 100'000});
  EXPECT_TRUE(vms.ok());
  return *std::move(vms);
}

double ShareOf(const std::vector<TraceVm>& vms, bool (*is)(const TraceVm&)) {
  double arrived = 0;
  double counted = 0;
  for (const auto& vm : vms) {
    if (vm.start < 0) continue;
    ++arrived;
    counted += is(vm) ? 1 : 0;
  }
  return counted / arrived;
}

TEST(Generator, SameSeed_SameWorkload) {
  EXPECT_EQ(Made(7), Made(7));
  EXPECT_NE(Made(7), Made(8));
}

// Batches share sizes and half their lifetimes, so shares over them vary more than VMs would.
TEST(Generator, Marginals_AreThePublishedOnes) {
  const auto vms = Made();
  EXPECT_TRUE(std::ranges::is_sorted(vms, {}, &TraceVm::start));
  EXPECT_NEAR(ShareOf(vms, [](const TraceVm& v) { return v.end - v.start <= 1.0 / 24; }), 0.603,
              0.03);
  EXPECT_NEAR(ShareOf(vms, [](const TraceVm& v) { return v.end - v.start <= 1.0; }), 0.924, 0.02);
  EXPECT_NEAR(ShareOf(vms, [](const TraceVm& v) { return v.low_priority; }), 0.122, 0.03);
  EXPECT_NEAR(ShareOf(vms, [](const TraceVm& v) { return v.centicores == 200; }), 0.255, 0.04);
  EXPECT_NEAR(ShareOf(vms, [](const TraceVm& v) { return v.centicores < 100; }), 0.087, 0.03);
}

TEST(Generator, WhatRunsAtTheStart_IsLargerAndHasMoreMemory) {
  double count = 0;
  double cores = 0;
  double gb = 0;
  double large = 0;
  for (const auto& vm : Made()) {
    if (vm.start >= 0) break;
    ++count;
    cores += static_cast<double>(vm.centicores) / 100;
    gb += static_cast<double>(vm.memory_mb) / 1024;
    large += vm.centicores >= 3200 ? 1 : 0;
  }
  EXPECT_NEAR(cores / count, 5.2, 0.3);
  EXPECT_NEAR(gb / cores, 7.8, 0.5);
  EXPECT_NEAR(large / count, 0.037, 0.005);
}

TEST(Generator, Arrivals_AreBurstyAndComeInBatches) {
  const auto vms = Made();
  std::map<int, double> bins;
  std::map<std::int64_t, int> tenants;
  for (const auto& vm : vms) {
    if (vm.start < 0) continue;
    ++bins[static_cast<int>(vm.start * 288)];
    ++tenants[vm.tenant];
  }
  double mean = 0;
  for (const auto& [bin, count] : bins) mean += count / static_cast<double>(14 * 288);
  double variance = 0;
  for (const auto& [bin, count] : bins) variance += (count - mean) * (count - mean) / (14 * 288);
  EXPECT_GT(variance / mean, 20) << "a Poisson process has 1";
  double all = 0;
  double single = 0;
  for (const auto& [tenant, count] : tenants) {
    all += count;
    single += count == 1 ? 1 : 0;
  }
  EXPECT_NEAR(all / static_cast<double>(tenants.size()), 4.13, 1.0);
  EXPECT_NEAR(single / static_cast<double>(tenants.size()), 0.572, 0.05);
  EXPECT_NEAR(all, 100'000, 15'000);
}

TEST(Generator, OptionsOutOfRange_AreRefused) {
  EXPECT_FALSE(GenerateWorkload({.days = 0}).ok());
  EXPECT_FALSE(GenerateWorkload({.days = 400}).ok());
  EXPECT_FALSE(GenerateWorkload({.arrivals = 0}).ok());
}

}  // namespace
}  // namespace kilonova::scheduler::replay
