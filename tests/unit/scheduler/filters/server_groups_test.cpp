// SPDX-License-Identifier: Apache-2.0
// Server groups within one request, and from one request to the next.
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler {
namespace {

using core::testing::Host;
using core::testing::Request;
using core::testing::SmallFlavor;

class ServerGroups : public ::testing::Test {
 protected:
  ServerGroups() : engine_(core::testing::DefaultPipeline()) {
    for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(engine_.UpsertHost(Host(name)).ok());
  }

  core::PlacementRequest InGroup(const std::string& policy, std::size_t count) {
    auto request = Request(SmallFlavor(), count);
    request.instance_group.emplace();
    request.instance_group->policy = policy;
    request.instance_group->members = request.instances;
    return request;
  }

  // How many of the instances each host got; empty when they were refused.
  std::map<std::string, int> Place(const core::PlacementRequest& request) {
    const auto result = engine_.Place(request);
    EXPECT_TRUE(result.ok()) << result.status();
    std::map<std::string, int> counts;
    if (!result.ok()) return counts;
    refusal_ = result->refusal.summary;
    for (const auto& selection : result->selections) ++counts[selection.chosen.host];
    return counts;
  }

  core::Engine engine_;
  std::string refusal_;
};

TEST_F(ServerGroups, AntiAffinityPutsEachOnItsOwnHost) {
  EXPECT_EQ(Place(InGroup("anti-affinity", 3)).size(), 3U);
}

TEST_F(ServerGroups, AntiAffinityRefusesTheOneTooMany) {
  EXPECT_TRUE(Place(InGroup("anti-affinity", 4)).empty());
  EXPECT_NE(refusal_.find("3 of 4"), std::string::npos) << refusal_;
  EXPECT_NE(refusal_.find("ServerGroupAntiAffinityFilter"), std::string::npos) << refusal_;
}

TEST_F(ServerGroups, MaxServerPerHostAllowsSoMany) {
  auto request = InGroup("anti-affinity", 6);
  request.instance_group->max_server_per_host = 2;
  const auto counts = Place(request);
  ASSERT_EQ(counts.size(), 3U);
  for (const auto& [host, count] : counts) EXPECT_EQ(count, 2) << host;
}

TEST_F(ServerGroups, AffinityKeepsAllTogether) {
  EXPECT_EQ(Place(InGroup("affinity", 4)).size(), 1U);
}

TEST_F(ServerGroups, AffinityGoesWhereTheGroupIs) {
  auto request = InGroup("affinity", 2);
  request.instance_group->hosts = {"c"};
  EXPECT_EQ(Place(request), (std::map<std::string, int>{{"c", 2}}));
  request = InGroup("affinity", 1);
  request.instance_group->hosts = {"gone"};
  EXPECT_TRUE(Place(request).empty());
}

TEST_F(ServerGroups, MembersOfEarlierRequestsCount) {
  const auto first = InGroup("anti-affinity", 2);
  ASSERT_EQ(Place(first).size(), 2U);
  auto second = InGroup("anti-affinity", 1);
  second.instance_group->members.insert(second.instance_group->members.end(),
                                        first.instances.begin(), first.instances.end());
  const auto counts = Place(second);
  ASSERT_EQ(counts.size(), 1U);
  for (const auto& uuid : first.instances) {
    EXPECT_FALSE(counts.contains(engine_.GetClaim(uuid)->host));
  }
}

TEST_F(ServerGroups, SoftPoliciesPreferAndNeverRefuse) {
  EXPECT_EQ(Place(InGroup("soft-anti-affinity", 3)).size(), 3U);
  auto request = InGroup("soft-anti-affinity", 5);
  EXPECT_EQ(Place(request).size(), 3U);
}

}  // namespace
}  // namespace kilonova::scheduler
