// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

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

// A batch is of one size and one priority: counted once each they vary little.
double ShareOfBatches(const std::vector<TraceVm>& vms,
                      const std::function<bool(const TraceVm&)>& is,
                      const std::function<bool(const TraceVm&)>& among) {
  std::set<std::int64_t> seen;
  double all = 0;
  double counted = 0;
  for (const auto& vm : vms) {
    if (vm.start < 0 || !among(vm) || !seen.insert(vm.tenant).second) continue;
    ++all;
    counted += is(vm) ? 1 : 0;
  }
  return counted / all;
}

TEST(Generator, CoresMemoryAndLifetimes_FollowTheirTables) {
  const auto vms = Made();
  const auto any = [](const TraceVm&) { return true; };
  const std::map<std::pair<int, int>, double> cores{
      {{0, 100}, .087},    {{100, 200}, .290},   {{200, 400}, .255},      {{400, 800}, .150},
      {{800, 1600}, .160}, {{1600, 3200}, .056}, {{3200, 1 << 30}, .0018}};
  for (const auto& [from, share] : cores) {
    const auto is = [from = from](const TraceVm& v) {
      return v.centicores >= from.first && v.centicores < from.second;
    };
    EXPECT_NEAR(ShareOfBatches(vms, is, any), share, 0.01) << from.first;
  }
  const auto whole = [](const TraceVm& v) { return v.centicores >= 100; };
  const std::map<double, double> gb_per_core{{3.5, .616}, {8, .184}, {2, .081},
                                             {7, .043},   {4, .027}, {16, .024}};
  for (const auto& [gb, share] : gb_per_core) {
    const auto is = [gb = gb](const TraceVm& v) {
      return std::abs(static_cast<double>(v.memory_mb) / 1024 * 100 -
                      gb * static_cast<double>(v.centicores)) < 1;
    };
    EXPECT_NEAR(ShareOfBatches(vms, is, whole), share, 0.012) << gb << " GB";
  }
  const std::map<std::pair<bool, double>, double> ended{{{false, 1.0 / 24}, .622},
                                                        {{false, 1}, .951},
                                                        {{true, 1.0 / 24}, .470},
                                                        {{true, 1}, .725},
                                                        {{true, 7}, .984}};
  for (const auto& [of, share] : ended) {
    const auto is = [of = of](const TraceVm& v) { return v.end - v.start <= of.second; };
    const auto among = [of = of](const TraceVm& v) { return v.low_priority == of.first; };
    EXPECT_NEAR(ShareOfBatches(vms, is, among), share, 0.03) << of.first << " " << of.second;
  }
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
