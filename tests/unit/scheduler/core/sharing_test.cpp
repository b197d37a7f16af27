// SPDX-License-Identifier: Apache-2.0
// Providers that share with the hosts of an aggregate: who is served by which, and that no claim
// ever takes more of one than it has.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

// No disk of its own, in the aggregates of these uuids.
HostState Diskless(const std::string& name, const std::vector<std::string>& aggregates) {
  HostState host = testing::Host(name);
  host.inventories.erase("DISK_GB");
  std::int64_t id = 0;
  for (const std::string& uuid : aggregates) host.aggregates.push_back({++id, uuid, {}, uuid});
  return host;
}

SharingProvider Pool(const std::string& name, std::int64_t gb,
                     const std::vector<std::string>& aggregates) {
  return {name, {{"DISK_GB", testing::Inv(gb)}}, {}, aggregates};
}

PlacementRequest Asking(std::int64_t disk_gb, std::size_t count = 1) {
  PlacementRequest request = testing::Request(testing::SmallFlavor(1, 512, disk_gb), count);
  ResourceRequest resources;
  resources.Group("").resources = model::ResourcesOf(request.flavor);
  request.resource_request = std::make_shared<const ResourceRequest>(std::move(resources));
  return request;
}

class Sharing : public ::testing::Test {
 protected:
  void Add(const HostState& host) { ASSERT_TRUE(engine_.UpsertHost(host).ok()); }
  void Share(const SharingProvider& provider) {
    ASSERT_TRUE(engine_.UpsertSharingProvider(provider).ok());
  }
  std::int64_t Used(const std::string& name) {
    for (const auto& [provider, used] : engine_.SharingProviders()) {
      if (provider.name == name) return used.contains("DISK_GB") ? used.at("DISK_GB") : 0;
    }
    return -1;
  }
  Engine engine_{testing::DefaultPipeline()};
};

TEST_F(Sharing, ServesTheHostsOfItsAggregate) {
  Add(Diskless("in", {"agg"}));
  Add(Diskless("out", {"other"}));
  EXPECT_FALSE(engine_.Place(Asking(10))->placed());
  Share(Pool("nfs", 25, {"agg"}));
  const auto placed = engine_.Place(Asking(10));
  ASSERT_TRUE(placed.ok() && placed->placed());
  EXPECT_EQ(placed->selections[0].chosen.host, "in");
  EXPECT_EQ(placed->selections[0].resources,
            (model::Resources{{"VCPU", 1}, {"MEMORY_MB", 512}, {"DISK_GB@@nfs", 10}}));
  EXPECT_EQ(Used("nfs"), 10);
  EXPECT_EQ(engine_.Usage("in").value(), (model::Resources{{"VCPU", 1}, {"MEMORY_MB", 512}}));
  EXPECT_FALSE(engine_.Place(Asking(10, 2))->placed());  // one would still fit
  EXPECT_EQ(Used("nfs"), 10);
  ASSERT_TRUE(engine_.Place(Asking(15))->placed());
  EXPECT_FALSE(engine_.Place(Asking(1))->placed());
  EXPECT_TRUE(engine_.Place(Asking(0))->placed());  // wants none of it
}

TEST_F(Sharing, AHostsOwnComesFirst) {
  HostState host = testing::Host("h");
  host.aggregates = {{1, "agg", {}, "agg"}};
  host.inventories["DISK_GB"] = testing::Inv(10);
  Add(host);
  Share(Pool("nfs", 100, {"agg"}));
  EXPECT_EQ(engine_.Place(Asking(10))->selections[0].resources.at("DISK_GB"), 10);
  EXPECT_EQ(engine_.Place(Asking(10))->selections[0].resources.at("DISK_GB@@nfs"), 10);
}

TEST_F(Sharing, WhatIsUsedIsNotRemoved) {
  Add(Diskless("in", {"agg"}));
  Share(Pool("nfs", 25, {"agg"}));
  const auto request = Asking(10);
  ASSERT_TRUE(engine_.Place(request)->placed());
  EXPECT_EQ(engine_.RemoveSharingProvider("nfs").code(), Code::kFailedPrecondition);
  EXPECT_EQ(engine_.RemoveSharingProvider("no").code(), Code::kNotFound);
  ASSERT_TRUE(engine_.Release(request.instances[0]));
  EXPECT_TRUE(engine_.RemoveSharingProvider("nfs").ok());
  EXPECT_FALSE(engine_.Place(Asking(1))->placed());
}

TEST_F(Sharing, ClaimsAreKeptWhicheverComesFirst) {
  Add(Diskless("in", {"agg"}));
  const Uuid instance = Uuid::Random();
  const model::Resources held{{"VCPU", 1}, {"MEMORY_MB", 512}, {"DISK_GB@@nfs", 20}};
  ASSERT_TRUE(
      engine_.Claim(instance, "in", testing::SmallFlavor(), held, ClaimCheck::kLoading).ok());
  EXPECT_TRUE(engine_.SharingProviders().empty());
  Share(Pool("nfs", 25, {"agg"}));
  EXPECT_EQ(Used("nfs"), 20);
  EXPECT_FALSE(engine_.Place(Asking(6))->placed());
  EXPECT_TRUE(engine_.Place(Asking(5))->placed());
}

TEST_F(Sharing, WhatFitsCountsAPoolOnce) {
  Add(Diskless("a", {"agg"}));
  Add(Diskless("b", {"agg"}));
  Share(Pool("nfs", 100, {"agg"}));
  EXPECT_EQ(engine_.WhatFits(Asking(10))->count, 10);
  EXPECT_EQ(engine_.WhatFits(Asking(5))->count, 16);  // the hosts' CPUs
  EXPECT_EQ(Used("nfs"), 0);
}

TEST_F(Sharing, SenselessOnesAreRefused) {
  EXPECT_FALSE(engine_.UpsertSharingProvider(Pool("", 1, {"agg"})).ok());
  EXPECT_FALSE(engine_.UpsertSharingProvider(Pool("a@b", 1, {"agg"})).ok());
  EXPECT_FALSE(engine_.UpsertSharingProvider(Pool("a", -1, {"agg"})).ok());
  EXPECT_FALSE(engine_.UpsertSharingProvider({"a", {}, {}, {"agg"}}).ok());
}

TEST_F(Sharing, NeverOvercommitsAndNeverMiscounts) {
  std::mt19937_64 random(20261125);
  const auto draw = [&](std::uint64_t below) { return random() % below; };
  const std::vector<std::string> aggregates{"x", "y", "z"};
  std::map<std::string, std::int64_t> sizes;
  const auto share = [&](const std::string& name) {
    sizes[name] = static_cast<std::int64_t>(20 + draw(80));
    Share(Pool(name, sizes[name], {aggregates[draw(3)], aggregates[draw(3)]}));
  };
  const auto report = [&](int i) {
    HostState host = Diskless("h" + std::to_string(i), {aggregates[draw(3)]});
    if (draw(4) == 0) host.inventories["DISK_GB"] = testing::Inv(30);
    if (draw(3) == 0) {
      host.nested.push_back({"local", "", {{"CUSTOM_NVME", testing::Inv(4)}}, {}});
    }
    Add(host);
  };
  for (int i = 0; i < 6; ++i) report(i);
  for (const char* name : {"p", "q", "r"}) share(name);
  std::map<Uuid, model::Resources> held;
  int placed = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto kind = draw(100);
    if (kind < 50) {
      const auto request = Asking(static_cast<std::int64_t>(draw(20)), 1 + draw(2));
      const auto result = engine_.Place(request);
      ASSERT_TRUE(result.ok()) << result.status();
      for (const auto& selection : result->selections) {
        held[selection.instance] = selection.resources;
        ++placed;
        for (const auto& [name, amount] : selection.resources) {
          const auto at = name.find("@@");
          if (at != std::string::npos) {
            ASSERT_LE(Used(name.substr(at + 2)), sizes.at(name.substr(at + 2)));
          }
        }
      }
    } else if (kind < 97) {
      if (held.empty()) continue;
      auto at = held.lower_bound(Uuid::Random());
      if (at == held.end()) at = held.begin();
      ASSERT_TRUE(engine_.Release(at->first));
      held.erase(at);
    } else if (kind < 99) {
      report(static_cast<int>(draw(6)));
    } else {
      share(std::string(1, static_cast<char>('p' + draw(3))));  // maybe smaller than what is used
    }
    if (step % 100 != 0) continue;
    std::map<std::string, std::int64_t> sums{{"p", 0}, {"q", 0}, {"r", 0}};
    for (const auto& [uuid, resources] : held) {
      for (const auto& [name, amount] : resources) {
        const auto at = name.find("@@");
        if (at != std::string::npos) sums[name.substr(at + 2)] += amount;
      }
    }
    for (const auto& [name, sum] : sums) ASSERT_EQ(Used(name), sum) << "step " << step;
  }
  EXPECT_GT(placed, 2000);
}

}  // namespace
}  // namespace kilonova::scheduler::core
