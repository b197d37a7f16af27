// SPDX-License-Identifier: Apache-2.0
#include "scheduler/weighers/weighers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "scheduler/core/scoring.h"
#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::weighers {
namespace {

using core::testing::Host;
using core::testing::Request;
using core::testing::SmallFlavor;

std::vector<double> Raw(const std::string& weigher, const std::vector<core::HostState>& states) {
  core::Fleet fleet;
  std::vector<core::HostIndex> hosts;
  for (const auto& state : states) hosts.push_back(fleet.Upsert(state).value());
  const auto weighers = MakeWeighers({weigher}, {}).value();
  core::Scorer scorer(weighers);
  return scorer.Details(fleet, Request(SmallFlavor()), hosts).front().raw;
}

TEST(Weighers, ThoseOfLaterNovaAreOffUnlessNamed) {
  const auto defaults = DefaultWeighers();
  for (const char* name :
       {"HypervisorVersionWeigher", "ImagePropertiesWeigher", "NumInstancesWeigher"}) {
    EXPECT_EQ(std::ranges::find(defaults, name), defaults.end()) << name;
    EXPECT_TRUE(MakeWeighers({name}, {}).ok()) << name;
  }
  EXPECT_EQ(MakeWeighers({"NumInstancesWeigher"}, {}).value().front()->Multiplier(), 0.0);
  EXPECT_EQ(MakeWeighers({"HypervisorVersionWeigher"}, {}).value().front()->Multiplier(), 1.0);
}

TEST(Weighers, VersionsAndInstancesAreWeighedAsTheyAre) {
  auto a = Host("a");
  auto b = Host("b");
  a.hypervisor_version = 7002022;
  b.hypervisor_version = 8000000;
  a.stats = {{"num_instances", "3"}};
  EXPECT_EQ(Raw("HypervisorVersionWeigher", {a, b}), (std::vector<double>{7002022, 8000000}));
  EXPECT_EQ(Raw("NumInstancesWeigher", {a, b}), (std::vector<double>{3, 0}));
}

TEST(Weighers, NovasPathsNameClasses) {
  const auto all = MakeWeighers({"nova.scheduler.weights.all_weighers"}, {});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->size(), DefaultWeighers().size());
  const auto ram = MakeWeighers({"nova.scheduler.weights.ram.RAMWeigher"}, {});
  ASSERT_TRUE(ram.ok()) << ram.status();
  EXPECT_EQ(ram->front()->Name(), "RAMWeigher");
}

TEST(Weighers, WhatCannotBeMeantIsRefused) {
  for (const auto& names : {std::vector<std::string>{"NoWeigher"},
                            std::vector<std::string>{"RAMWeigher", "RAMWeigher"}}) {
    EXPECT_EQ(ReasonOf(MakeWeighers(names, {}).status()), reason::kConfigInvalid.name);
  }
  for (const auto& [option, value] : std::map<std::string, double>{
           {"no_weight_multiplier", 1.0},
           {"pci_weight_multiplier", -1.0},
           {"soft_affinity_weight_multiplier", -0.5},
           {"ram_weight_multiplier", std::numeric_limits<double>::infinity()}}) {
    WeigherOptions options;
    options.multipliers[option] = value;
    EXPECT_EQ(ReasonOf(MakeWeighers({}, options).status()), reason::kConfigInvalid.name) << option;
  }
}

TEST(Weighers, ARequiredMetricThatIsMissingIsToldOf) {
  WeigherOptions options;
  options.metrics_weight_setting = {"cpu.frequency=1.0"};
  core::Pipeline pipeline;
  pipeline.weighers = MakeWeighers({"MetricsWeigher"}, options).value();
  core::Engine engine(std::move(pipeline));
  auto a = Host("a");
  a.metrics = {{"cpu.frequency", 2400}};
  ASSERT_TRUE(engine.UpsertHost(a).ok());
  EXPECT_TRUE(engine.Place(Request(SmallFlavor()))->placed());
  ASSERT_TRUE(engine.UpsertHost(Host("b")).ok());
  const auto refused = engine.Place(Request(SmallFlavor()));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(DetailsOf(refused.status()).at("host"), "b");
  EXPECT_EQ(DetailsOf(refused.status()).at("metric"), "cpu.frequency");
}

}  // namespace
}  // namespace kilonova::scheduler::weighers
