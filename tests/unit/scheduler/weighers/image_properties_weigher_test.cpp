// SPDX-License-Identifier: Apache-2.0
// The rule of Nova 2025.1, against a plain count over the instances of every host.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::weighers {
namespace {

using core::testing::Host;
using core::testing::Request;
using core::testing::SmallFlavor;
using Texts = std::map<std::string, std::string>;

constexpr const char* kName = "ImagePropertiesWeigher";

std::unique_ptr<core::Engine> MakeEngine(double multiplier, std::vector<std::string> setting = {}) {
  core::Pipeline pipeline;
  WeigherOptions options;
  options.multipliers["image_props_weight_multiplier"] = multiplier;
  options.image_props_weight_setting = std::move(setting);
  pipeline.weighers = MakeWeighers({kName}, options).value();
  auto engine = std::make_unique<core::Engine>(std::move(pipeline));
  for (const char* name : {"a", "b", "c"}) {
    auto host = Host(name);
    host.inventories["MEMORY_MB"] = core::testing::Inv(1'000'000);
    host.inventories["VCPU"] = core::testing::Inv(100'000);
    host.inventories["DISK_GB"] = core::testing::Inv(100'000);
    EXPECT_TRUE(engine->UpsertHost(host).ok());
  }
  return engine;
}

Uuid Put(core::Engine& engine, const std::string& host, const Texts& properties) {
  const Uuid uuid = Uuid::Random();
  EXPECT_TRUE(engine.Claim(uuid, host, SmallFlavor(), {}, core::ClaimCheck::kLoading).ok());
  engine.SetImage(uuid, properties);
  return uuid;
}

std::map<std::string, core::WeighedValue> Weights(core::Engine& engine, const Texts& properties) {
  auto request = Request(SmallFlavor());
  request.image_properties = properties;
  std::map<std::string, core::WeighedValue> weights;
  const auto explained = engine.Explain(request, 10).value();
  for (const auto& host : explained.explanations) {
    weights[host.host] = host.weights.at(0);
  }
  return weights;
}

double Raw(core::Engine& engine, const std::string& host, const Texts& properties) {
  return Weights(engine, properties).at(host).raw;
}

TEST(ImagePropertiesWeigher, CountsWhatInstancesShareWithTheImage) {
  const auto engine = MakeEngine(1);
  Put(*engine, "a", {{"os_distro", "debian"}, {"hw_machine_type", "q35"}});
  Put(*engine, "a", {{"os_distro", "debian"}});
  Put(*engine, "b", {{"os_distro", "fedora"}, {"hw_machine_type", "q35"}});
  const Texts asked{{"os_distro", "debian"}, {"hw_machine_type", "q35"}};
  EXPECT_EQ(Raw(*engine, "a", asked), 3);
  EXPECT_EQ(Raw(*engine, "b", asked), 1);
  EXPECT_EQ(Raw(*engine, "c", asked), 0);
  EXPECT_EQ(Raw(*engine, "a", {}), 0);
  auto request = Request(SmallFlavor());
  request.image_properties = asked;
  EXPECT_EQ(engine->Place(request)->selections[0].chosen.host, "a");
  EXPECT_EQ(Raw(*engine, "a", asked), 5);  // what Place claims counts from then on
}

TEST(ImagePropertiesWeigher, ANegativeMultiplierSpreads) {
  const auto engine = MakeEngine(-1);
  const Texts asked{{"os_distro", "debian"}};
  Put(*engine, "a", asked);
  Put(*engine, "c", asked);
  auto request = Request(SmallFlavor());
  request.image_properties = asked;
  EXPECT_EQ(engine->Place(request)->selections[0].chosen.host, "b");
}

TEST(ImagePropertiesWeigher, NamedPropertiesCountAsSaid) {
  const auto engine = MakeEngine(1, {"os_distro=10", "hw_boot_menu=0.5"});
  Put(*engine, "a",
      {{"os_distro", "debian"}, {"hw_machine_type", "q35"}, {"hw_boot_menu", "true"}});
  EXPECT_EQ(Raw(*engine, "a", {{"os_distro", "debian"}}), 10);
  EXPECT_EQ(Raw(*engine, "a", {{"hw_machine_type", "q35"}}), 0);
  EXPECT_EQ(Raw(*engine, "a", {{"hw_boot_menu", "yes"}, {"os_distro", "debian"}}), 10.5);
}

TEST(ImagePropertiesWeigher, ValuesAreThoseNovaReads) {
  const auto engine = MakeEngine(1);
  Put(*engine, "a",
      {{"architecture", "amd64"},
       {"hw_boot_menu", "TRUE"},
       {"nobody_knows", "x"},
       {"hw_numa_cpus.0", "0-1"},
       {"trait:CUSTOM_A", "required"},
       {"os_version", "12"}});
  EXPECT_EQ(Raw(*engine, "a", {{"hw_architecture", "x86_64"}}), 1);
  EXPECT_EQ(Raw(*engine, "a", {{"hw_boot_menu", "1"}}), 1);
  EXPECT_EQ(Raw(*engine, "a", {{"nobody_knows", "x"}}), 0);
  EXPECT_EQ(Raw(*engine, "a", {{"hw_numa_cpus.0", "0,1"}}), 1);
  EXPECT_EQ(Raw(*engine, "a", {{"trait:CUSTOM_A", "required"}}), 1);
  // An instance's copy of a text ends after 255 bytes, and so is not what the image has.
  const std::string text(300, 'x');
  Put(*engine, "b", {{"os_command_line", text}});
  EXPECT_EQ(Raw(*engine, "b", {{"os_command_line", text}}), 0);
  EXPECT_EQ(Raw(*engine, "b", {{"os_command_line", text.substr(0, 255)}}), 1);
}

TEST(ImagePropertiesWeigher, IsOffAtZeroWhateverAggregatesSay) {
  const auto engine = MakeEngine(0);
  auto host = Host("a");
  host.aggregates = {{1, "one", {{"image_props_weight_multiplier", "5"}}}};
  ASSERT_TRUE(engine->UpsertHost(host).ok());
  const auto before = engine->MemoryBytes();
  engine->SetImage(Put(*engine, "a", {{"os_distro", "debian"}}), {{"os_distro", "debian"}});
  EXPECT_EQ(Raw(*engine, "a", {{"os_distro", "debian"}}), 0);
  EXPECT_LT(engine->MemoryBytes() - before, 1000U);
}

TEST(ImagePropertiesWeigher, AggregatesOverrideTheMultiplier) {
  const auto engine = MakeEngine(1);
  auto host = Host("a");
  host.aggregates = {{1, "one", {{"image_props_weight_multiplier", "-2.5"}}}};
  ASSERT_TRUE(engine->UpsertHost(host).ok());
  const Texts asked{{"os_distro", "debian"}};
  Put(*engine, "a", asked);
  const auto weights = Weights(*engine, asked);
  EXPECT_EQ(weights.at("a").multiplier, -2.5);
  EXPECT_EQ(weights.at("b").multiplier, 1);
}

TEST(ImagePropertiesWeigher, WhateverHappensItIsThePlainCount) {
  std::mt19937_64 random(20261125);
  const auto draw = [&](std::uint64_t below) { return random() % below; };
  const auto texts = [&] {
    Texts properties;
    for (const char* name : {"os_distro", "hw_machine_type", "os_admin_user", "hw_disk_bus"}) {
      if (draw(2) == 0) continue;
      const bool bus = std::string_view(name) == "hw_disk_bus";
      properties[name] = bus ? (draw(2) == 0 ? "virtio" : "scsi") : (draw(2) == 0 ? "x" : "y");
    }
    return properties;
  };
  constexpr const char* kHosts[] = {"a", "b", "c"};
  struct Made {
    std::string host;
    Texts texts;
  };
  const auto engine = MakeEngine(1);
  std::map<Uuid, Made> instances;
  for (int step = 0; step < 4000; ++step) {
    const auto kind = draw(10);
    if (kind < 3) {
      const std::string host = kHosts[draw(3)];
      const Texts properties = texts();
      instances[Put(*engine, host, properties)] = {host, properties};
    } else if (kind < 5) {
      auto request = Request(SmallFlavor(), 1 + draw(3));
      request.image_properties = texts();
      const auto placed = engine->Place(request).value();
      for (const auto& selection : placed.selections) {
        instances[selection.instance] = {selection.chosen.host, request.image_properties};
      }
    } else if (!instances.empty()) {
      auto at = instances.lower_bound(Uuid::Random());
      if (at == instances.end()) at = instances.begin();
      if (kind < 8) {
        ASSERT_TRUE(engine->Release(at->first));
        instances.erase(at);
      } else {
        at->second.host = kHosts[draw(3)];
        ASSERT_TRUE(engine->MoveClaim(at->first, at->second.host).ok());
      }
    }
    const Texts asked = texts();
    std::map<std::string, double> want{{"a", 0}, {"b", 0}, {"c", 0}};
    for (const auto& [uuid, made] : instances) {
      for (const auto& [name, value] : made.texts) {
        const auto found = asked.find(name);
        if (found != asked.end() && found->second == value) ++want[made.host];
      }
    }
    const auto weights = Weights(*engine, asked);
    for (const auto& [host, sum] : want) ASSERT_EQ(weights.at(host).raw, sum) << "step " << step;
  }
}

}  // namespace
}  // namespace kilonova::scheduler::weighers
