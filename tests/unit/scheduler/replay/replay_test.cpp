// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/replay.h"

#include <gtest/gtest.h>

#include "scheduler/replay/generator.h"

namespace kilonova::scheduler::replay {
namespace {

constexpr HostSize kHost{400, 4096};

ReplayOptions Options(Policy policy, std::int64_t hosts) {
  ReplayOptions options;
  options.host = kHost;
  options.hosts = hosts;
  options.policy = policy;
  options.from_day = 0;
  options.to_day = 4;
  return options;
}

TEST(Replay, TwoHosts_SpreadUsesBothAndPackersOne) {
  const std::vector<TraceVm> vms{{1, 1, 100, 1024, false, -1, kNever},
                                 {2, 1, 100, 1024, false, -0.5, kNever}};
  for (const auto& [policy, empty] : {std::pair{Policy::kSpread, 0.0},
                                      {Policy::kBestFit, 0.5},
                                      {Policy::kBalance, 0.5},
                                      {Policy::kLifetime, 0.5}}) {
    const auto result = Replay(vms, Options(policy, 2));
    ASSERT_TRUE(result.ok()) << Describe(result.status());
    EXPECT_DOUBLE_EQ(result->empty_hosts, empty) << NameOf(policy);
    EXPECT_EQ(result->decisions, 2);
    EXPECT_EQ(result->refused, 0);
    EXPECT_DOUBLE_EQ(result->cpu_density, empty == 0 ? 0.25 : 0.5);
  }
}

TEST(Replay, EndedVms_GiveTheirRoomBack) {
  const std::vector<TraceVm> vms{{1, 1, 400, 4096, false, 0, 1}, {2, 1, 400, 4096, false, 1, 2}};
  const auto result = Replay(vms, Options(Policy::kSpread, 1));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->refused, 0);
  EXPECT_NEAR(result->empty_hosts, 0.5, 0.02);
}

TEST(Replay, Refused_IsCountedBySizeAndNotTriedAgain) {
  const std::vector<TraceVm> vms{{1, 1, 400, 1024, false, 0, 3},
                                 {2, 1, 300, 1024, false, 1, kNever},
                                 {3, 1, 400, 1024, false, 2, kNever}};
  const auto result = Replay(vms, Options(Policy::kBalance, 1));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->refused, 2);
  EXPECT_EQ(result->refused_centicores, 700);
  EXPECT_EQ(result->refused_by_class[0], 300);
  EXPECT_EQ(result->refused_by_class[1], 400);
  EXPECT_EQ(result->asked_centicores, 1100);
}

TEST(Replay, Stranded_IsWhatTheOtherResourceIsMissingFor) {
  // The workload asks for 1024 MiB per 100; the host has all its memory used and half its CPU.
  const std::vector<TraceVm> vms{{1, 1, 200, 4096, false, -1, kNever},
                                 {2, 1, 800, 6144, false, 3.99, kNever}};
  const auto result = Replay(vms, Options(Policy::kSpread, 1));
  ASSERT_TRUE(result.ok());
  EXPECT_DOUBLE_EQ(result->stranded_cores, 2);
  EXPECT_DOUBLE_EQ(result->stranded_gb, 0);
}

TEST(Replay, SameWorkload_SameResultAndNeverOverFull) {
  const auto vms = GenerateWorkload({.seed = 3, .days = 4, .arrivals = 3'000}).value();
  for (const Policy policy :
       {Policy::kSpread, Policy::kBestFit, Policy::kBalance, Policy::kLifetime}) {
    ReplayOptions options = Options(policy, 0);
    options.host = {};
    options.hosts = FleetFor(PeakDemand(vms), options.host, 0.97);
    const auto first = Replay(vms, options);
    const auto second = Replay(vms, options);
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(first->refused, second->refused);
    EXPECT_EQ(first->empty_hosts, second->empty_hosts);
    EXPECT_LE(first->cpu_density, 1);
    EXPECT_LE(first->memory_density, 1);
    EXPECT_GT(first->samples, 90);
  }
}

// Up to a day it does not matter what comes after it: when VMs that run then will end, and which
// others arrive.
TEST(Replay, WhatIsYetToCome_ChangesNothing) {
  constexpr double kToday = 2;
  const auto vms = GenerateWorkload({.seed = 4, .days = 4, .arrivals = 4'000}).value();
  std::vector<TraceVm> other;
  std::size_t changed = 0;
  for (TraceVm vm : vms) {
    if (vm.start >= kToday) break;
    if (vm.end > kToday) {
      vm.end = ++changed % 2 == 0 ? kNever : kToday + 0.001 * static_cast<double>(changed);
    }
    other.push_back(vm);
  }
  ASSERT_GT(changed, 100U);
  for (const Policy policy :
       {Policy::kSpread, Policy::kBestFit, Policy::kBalance, Policy::kLifetime}) {
    ReplayOptions options = Options(policy, 0);
    options.host = {};
    options.hosts = FleetFor(PeakDemand(vms), options.host, 0.95);
    options.to_day = kToday;
    const auto one = Replay(vms, options);
    const auto two = Replay(other, options);
    ASSERT_TRUE(one.ok() && two.ok());
    EXPECT_EQ(one->decisions, two->decisions) << NameOf(policy);
    EXPECT_EQ(one->refused, two->refused) << NameOf(policy);
    EXPECT_EQ(one->empty_hosts, two->empty_hosts) << NameOf(policy);
    EXPECT_EQ(one->cpu_density, two->cpu_density) << NameOf(policy);
    EXPECT_EQ(one->memory_density, two->memory_density) << NameOf(policy);
  }
}

TEST(Replay, OptionsOutOfRange_AreRefused) {
  EXPECT_FALSE(Replay({}, Options(Policy::kSpread, 0)).ok());
  ReplayOptions options = Options(Policy::kSpread, 1);
  options.to_day = options.from_day;
  EXPECT_FALSE(Replay({}, options).ok());
  EXPECT_FALSE(ParsePolicy("worst-fit").ok());
}

}  // namespace
}  // namespace kilonova::scheduler::replay
