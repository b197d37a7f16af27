// SPDX-License-Identifier: Apache-2.0
// What an explanation offers is so: made true it makes the request fit, and a little less does not.
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <sstream>
#include <string>
#include <utility>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using testing::Contains;
using testing::HasSubstr;

class RemediesTest : public ConductorTest {
 protected:
  void SetUp() override { rig_.AddCatalog(); }
  Conductor& api() { return *rig_.conductor; }
  std::int64_t Draw(std::int64_t below) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(below));
  }
  InstanceTemplate Of(model::Flavor flavor) {
    flavor.flavorid = flavor.name = "f" + std::to_string(++flavors_);
    const auto made = api().CreateFlavor(flavor);
    EXPECT_TRUE(made.ok()) << Describe(made.status());
    InstanceTemplate t = Rig::Request("x").instance;
    t.flavor = flavor.flavorid;
    return t;
  }
  std::int64_t Passing(const InstanceTemplate& t, const std::string& host = "") {
    const auto why = api().Explain(t, 100);
    EXPECT_TRUE(why.ok()) << Describe(why.status());
    if (!why.ok()) return -1;
    if (host.empty()) return why->passed;
    return std::ranges::any_of(
        why->explanations, [&](const HostExplanation& e) { return e.host == host && e.passed; });
  }
  std::vector<std::string> Changes(const InstanceTemplate& t) {
    std::vector<std::string> changes;
    const auto why = api().Explain(t, 10);
    EXPECT_TRUE(why.ok()) << Describe(why.status());
    for (const Remedy& remedy : why->remedies) changes.push_back(remedy.change);
    return changes;
  }

  std::mt19937 random_{20};
  int flavors_ = 0;
};

class RandomRemedies : public RemediesTest {
 protected:
  static constexpr int kHosts = 6;

  void Report(const std::string& name) {
    HostUpdate update{reports_[name], {}, {}};
    const Status told = api().HostReported(rig_.sessions[name], update);
    ASSERT_TRUE(told.ok()) << Describe(told);
  }

  void MakeHosts() {
    for (const char* zone : {"az1", "az2"}) {
      ASSERT_TRUE(api().CreateAggregate(zone, zone).ok());
    }
    for (int h = 0; h < kHosts; ++h) {
      const std::string name = "h" + std::to_string(h);
      rig_.HostUp(name);
      if (h % 3 == 0) continue;
      ASSERT_TRUE(api().AddHostToAggregate(h % 3 == 1 ? "az1" : "az2", name).ok());
    }
  }

  void NewHosts() {
    for (int h = 0; h < kHosts; ++h) {
      const std::string name = "h" + std::to_string(h);
      auto& report = reports_[name] =
          Rig::Report(name, 1 + Draw(12), 512 * (1 + Draw(20)), 1 + Draw(40));
      auto& inventories = report.inventories;
      for (const char* resource : {"VCPU", "MEMORY_MB", "DISK_GB"}) {
        if (Draw(4) == 0) inventories[resource].max_unit = 1 + Draw(inventories[resource].total);
      }
      if (Draw(4) == 0) inventories["VCPU"].step_size = 2;
      if (Draw(4) == 0) inventories["VCPU"].min_unit = 3;
      if (Draw(2) == 0) inventories["CUSTOM_GOLD"] = {.total = 1 + Draw(3), .max_unit = 3};
      if (Draw(2) == 0) report.traits.emplace_back("CUSTOM_A");
      if (Draw(2) == 0) report.traits.emplace_back("CUSTOM_B");
      rig_.HostUp(name);
      Report(name);
      ASSERT_TRUE((Draw(5) == 0 ? api().DisableHost(name, "x") : api().EnableHost(name)).ok());
      if (Draw(6) == 0) api().SessionEnded(rig_.sessions[name]);
    }
  }

  model::Flavor NewFlavor() {
    model::Flavor flavor;
    flavor.vcpus = 1 + Draw(Draw(2) == 0 ? 4 : 16);
    flavor.memory_mb = 256 * (1 + Draw(Draw(2) == 0 ? 8 : 60));
    flavor.root_gb = 1 + Draw(Draw(2) == 0 ? 4 : 60);
    auto& specs = flavor.extra_specs;
    if (Draw(3) == 0) specs["trait:CUSTOM_A"] = Draw(3) == 0 ? "forbidden" : "required";
    if (Draw(4) == 0) specs["trait:CUSTOM_B"] = "required";
    if (Draw(3) == 0) specs["resources:CUSTOM_GOLD"] = std::to_string(1 + Draw(4));
    if (Draw(5) == 0) specs["capabilities:hypervisor_type"] = "VMware";
    if (Draw(8) == 0) specs["hw:cpu_policy"] = "dedicated";
    if (Draw(8) == 0) specs["hw:numa_nodes"] = "1";
    return flavor;
  }

  // `t` with so much less of the class.
  InstanceTemplate With(const InstanceTemplate& t, model::Flavor flavor,
                        const std::string& resource, std::int64_t less) {
    if (resource == "memory") {
      flavor.memory_mb -= less;
    } else if (resource == "disk") {
      flavor.root_gb -= less;
    } else if (resource == "CUSTOM_GOLD") {
      auto& spec = flavor.extra_specs["resources:CUSTOM_GOLD"];
      spec = std::to_string(std::stoll(spec) - less);
    } else {
      flavor.vcpus -= less;
    }
    InstanceTemplate made = Of(flavor);
    made.availability_zone = t.availability_zone;
    return made;
  }

  // Of a change such as "512 MiB less memory".
  static std::pair<std::int64_t, std::string> AmountOf(const Remedy& remedy) {
    std::istringstream words(remedy.change);
    std::int64_t amount = 0;
    std::string word, resource;
    words >> amount >> word;
    if (word == "MiB" || word == "GiB") words >> word;
    words >> resource;
    return {amount, resource};
  }

  void CheckLess(const InstanceTemplate& t, const model::Flavor& flavor, const Remedy& remedy) {
    const auto [amount, resource] = AmountOf(remedy);
    EXPECT_EQ(Passing(With(t, flavor, resource, amount), remedy.host), 1) << remedy.change;
    if (seen_[resource]++ > 0 || amount == 1) return;
    EXPECT_EQ(Passing(With(t, flavor, resource, amount - 1)), 0) << remedy.change << ", 1 fewer";
  }

  void CheckMore(const InstanceTemplate& t, const Remedy& remedy) {
    auto [amount, resource] = AmountOf(remedy);
    const std::map<std::string, std::string> named{{"memory", "MEMORY_MB"}, {"disk", "DISK_GB"}};
    const auto name = named.find(resource);
    if (name != named.end()) resource = name->second;
    const model::HostReport before = reports_[remedy.host];
    for (const std::int64_t more : {amount, amount - 1}) {
      auto& inventory = reports_[remedy.host].inventories[resource];
      inventory.total = before.inventories.contains(resource)
                            ? before.inventories.at(resource).total + more
                            : more;
      if (inventory.total > 0) {
        Report(remedy.host);
        EXPECT_EQ(Passing(t, remedy.host), more == amount ? 1 : 0) << remedy.change;
      }
      reports_[remedy.host] = before;
      Report(remedy.host);
    }
  }

  void CheckOfTheRequest(const InstanceTemplate& t, model::Flavor flavor, const Remedy& remedy) {
    const std::string& change = remedy.change;
    InstanceTemplate made;
    if (change.starts_with("any zone")) {
      made = t;
      made.availability_zone.clear();
    } else {
      std::erase_if(flavor.extra_specs, [&](const auto& spec) {
        const bool trait = spec.first.starts_with("trait:");
        return trait ? change.ends_with("trait " + spec.first.substr(6))
                     : change.ends_with(spec.first + "=" + spec.second);
      });
      made = Of(flavor);
      made.availability_zone = t.availability_zone;
    }
    EXPECT_EQ(Passing(made, remedy.host), 1) << change;
  }

  void CheckOfTheHost(const InstanceTemplate& t, const Remedy& remedy) {
    const std::string& host = remedy.host;
    const model::HostReport before = reports_[host];
    if (remedy.change.ends_with(" enabled")) {
      ASSERT_TRUE(api().EnableHost(host).ok());
      EXPECT_EQ(Passing(t, host), 1) << remedy.change;
      ASSERT_TRUE(api().DisableHost(host, "x").ok());
    } else if (remedy.change.ends_with(" up")) {
      rig_.HostUp(host);
      Report(host);
      EXPECT_EQ(Passing(t, host), 1) << remedy.change;
      api().SessionEnded(rig_.sessions[host]);
    } else if (remedy.change.ends_with("(Placement)")) {
      const std::string need = remedy.change.substr(0, remedy.change.find(" instead of"));
      auto& traits = reports_[host].traits;
      for (const std::string trait : {"CUSTOM_A", "CUSTOM_B"}) {
        if (need.find("no trait " + trait) != std::string::npos) {
          std::erase(traits, trait);
        } else if (need.find("trait " + trait) != std::string::npos) {
          traits.push_back(trait);
        }
      }
      Report(host);
      EXPECT_EQ(Passing(t, host), 1) << remedy.change;
      reports_[host] = before;
      Report(host);
    } else {
      ++untried_;
    }
  }

  std::map<std::string, model::HostReport> reports_;
  std::map<std::string, int> seen_;
  int untried_ = 0;
};

TEST_F(RandomRemedies, EachMakesTheRequestFit_AndALittleLessDoesNot) {
  MakeHosts();
  std::map<std::string, int> kinds;
  for (int round = 0; round < 60; ++round) {
    NewHosts();
    for (int i = 0; i < 10; ++i) {
      const model::Flavor flavor = NewFlavor();
      InstanceTemplate t = Of(flavor);
      if (Draw(4) == 0) t.availability_zone = Draw(2) == 0 ? "az1" : "az2";
      const auto why = api().Explain(t, 10);
      ASSERT_TRUE(why.ok()) << Describe(why.status());
      if (why->passed > 0) continue;
      seen_.clear();
      for (const Remedy& remedy : why->remedies) {
        const bool less = remedy.change.find(" less ") != std::string::npos;
        ++kinds[remedy.kind + (less ? " less" : "")];
        if (less) {
          CheckLess(t, flavor, remedy);
        } else if (remedy.kind == "capacity") {
          CheckMore(t, remedy);
        } else if (remedy.kind == "request") {
          CheckOfTheRequest(t, flavor, remedy);
        } else {
          CheckOfTheHost(t, remedy);
        }
        if (HasFailure()) FAIL() << "round " << round << ": " << why->summary;
      }
    }
  }
  for (const char* kind : {"request", "request less", "capacity", "host"}) {
    EXPECT_GT(kinds[kind], 25) << kind;
  }
}

TEST_F(RemediesTest, WhatPlacementIsAskedFor_IsAWishToo) {
  rig_.HostUp("a");
  model::Flavor flavor;
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  flavor.extra_specs = {{"trait:CUSTOM_A", "required"}};
  EXPECT_THAT(Changes(Of(flavor)), Contains("without trait CUSTOM_A"));
  EXPECT_THAT(Changes(Of(flavor)),
              Contains("host a with trait CUSTOM_A instead of no trait CUSTOM_A (Placement)"));
  flavor.extra_specs = {{"resources:CUSTOM_GOLD", "3"}};
  EXPECT_THAT(Changes(Of(flavor)), Contains("without extra spec resources:CUSTOM_GOLD=3"));
  EXPECT_THAT(Changes(Of(flavor)), Contains("3 more CUSTOM_GOLD on host a"));
}

TEST_F(RemediesTest, ATraitThatIsMissingToo_LeavesNothingToOffer) {
  rig_.HostUp("a", {}, 4);
  model::Flavor flavor;
  flavor.vcpus = 5;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  flavor.extra_specs = {{"trait:CUSTOM_A", "required"}};
  EXPECT_TRUE(Changes(Of(flavor)).empty());
}

TEST_F(RemediesTest, OfTwoCapabilitiesThatAreMissing_BothAreNamed) {
  rig_.HostUp("a");
  model::Flavor flavor;
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  flavor.extra_specs = {{"capabilities:hypervisor_type", "VMware"}, {"capabilities:node", "b"}};
  const auto why = api().Explain(Of(flavor), 10);
  ASSERT_TRUE(why.ok()) << Describe(why.status());
  const FilterVerdict& verdict = why->explanations.front().verdicts.back();
  EXPECT_EQ(verdict.filter, "ComputeCapabilitiesFilter");
  EXPECT_THAT(verdict.need, HasSubstr("VMware"));
  EXPECT_THAT(verdict.need, HasSubstr("node"));
}

}  // namespace
}  // namespace kilonova::scheduler::core
