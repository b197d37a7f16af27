// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

using ::testing::HasSubstr;
using testing::Host;
using testing::Inv;
using testing::Request;
using testing::SmallFlavor;

class EngineTest : public ::testing::Test {
 protected:
  void Add(const HostState& host) { ASSERT_TRUE(engine_.UpsertHost(host).ok()); }
  PlaceResult Place(const PlacementRequest& request, std::size_t alternates = 2) {
    auto result = engine_.Place(request, {.alternates = alternates});
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : PlaceResult{};
  }
  model::Resources Used(std::string_view host) { return engine_.Usage(host).value(); }

  Engine engine_{testing::DefaultPipeline()};
};

TEST_F(EngineTest, Place_ClaimsOnTheRoomiestHostAndNamesAlternates) {
  Add(Host("a"));
  auto big = Host("b");
  big.inventories["MEMORY_MB"] = Inv(16384);
  Add(big);
  Add(Host("c"));
  const auto request = Request(SmallFlavor(2, 1024, 10));
  const auto result = Place(request);
  ASSERT_TRUE(result.placed());
  EXPECT_EQ(result.selections[0].instance, request.instances[0]);
  EXPECT_EQ(result.selections[0].chosen, (HostRef{"b", "b"}));
  EXPECT_EQ(result.selections[0].alternates, (std::vector<HostRef>{{"a", "a"}, {"c", "c"}}));
  EXPECT_EQ(Used("b"), (model::Resources{{"VCPU", 2}, {"MEMORY_MB", 1024}, {"DISK_GB", 10}}));
  EXPECT_EQ(engine_.GetClaim(request.instances[0])->host, "b");
}

TEST_F(EngineTest, Place_TieGoesToTheHostThatCameFirst) {
  Add(Host("z"));
  Add(Host("a"));
  EXPECT_EQ(Place(Request(SmallFlavor())).selections[0].chosen.host, "z");
}

TEST_F(EngineTest, Place_SpreadsManyOverHosts) {
  Add(Host("a"));
  Add(Host("b"));
  const auto result = Place(Request(SmallFlavor(), 4));
  ASSERT_EQ(result.selections.size(), 4U);
  EXPECT_EQ(Used("a"), Used("b"));
}

TEST_F(EngineTest, Place_AllOrNothing) {
  Add(Host("a"));
  const auto request = Request(SmallFlavor(4), 3);  // two fit
  const auto result = Place(request);
  EXPECT_FALSE(result.placed());
  EXPECT_TRUE(Used("a").empty());
  for (const auto& uuid : request.instances) EXPECT_FALSE(engine_.GetClaim(uuid));
  EXPECT_THAT(result.refusal.summary, HasSubstr("2 of 3 instances would fit"));
  EXPECT_THAT(result.refusal.summary, HasSubstr("Placement refused 1"));
}

TEST_F(EngineTest, Place_AlternatesStayInTheCellOfTheChosenHost) {
  Add(Host("a"));
  auto other = Host("b");
  other.cell = "cell2";
  Add(other);
  Add(Host("c"));
  EXPECT_EQ(Place(Request(SmallFlavor())).selections[0].alternates,
            (std::vector<HostRef>{{"c", "c"}}));
}

TEST_F(EngineTest, Place_CapacityIsPlacements) {
  auto host = Host("a");
  host.inventories["VCPU"] = Inv(5, 1.5, 2);  // (5 - 2) * 1.5 = 4.5, cut to 4
  Add(host);
  EXPECT_FALSE(Place(Request(SmallFlavor(5))).placed());
  EXPECT_TRUE(Place(Request(SmallFlavor(4))).placed());
  EXPECT_FALSE(Place(Request(SmallFlavor(1))).placed());
}

TEST_F(EngineTest, Place_UnitsOfAnInventoryAreKept) {
  auto host = Host("a");
  host.inventories["MEMORY_MB"].min_unit = 512;
  host.inventories["MEMORY_MB"].max_unit = 2048;
  host.inventories["MEMORY_MB"].step_size = 512;
  Add(host);
  EXPECT_FALSE(Place(Request(SmallFlavor(1, 256))).placed());
  EXPECT_FALSE(Place(Request(SmallFlavor(1, 768))).placed());
  EXPECT_FALSE(Place(Request(SmallFlavor(1, 4096))).placed());
  EXPECT_TRUE(Place(Request(SmallFlavor(1, 1024))).placed());
}

TEST_F(EngineTest, Place_CustomResourceClassMustBeThere) {
  Add(Host("a"));
  auto gpu = Host("b");
  gpu.inventories["CUSTOM_GPU"] = Inv(1);
  Add(gpu);
  auto request = Request(SmallFlavor());
  request.resources = {{"VCPU", 1}, {"CUSTOM_GPU", 1}};
  EXPECT_EQ(Place(request).selections[0].chosen.host, "b");
  request.instances = {Uuid::Random()};
  EXPECT_FALSE(Place(request).placed());
}

TEST_F(EngineTest, Place_SkipsDownDisabledAndIgnoredHosts) {
  Add(Host("down"));
  Add(Host("disabled"));
  Add(Host("ignored"));
  Add(Host("good"));
  ASSERT_TRUE(engine_.SetHostUp("down", false).ok());
  ASSERT_TRUE(engine_.SetHostEnabled("disabled", false, "disk swap").ok());
  auto request = Request(SmallFlavor());
  request.ignore_hosts = {"IGNORED"};
  const auto result = Place(request);
  EXPECT_EQ(result.selections[0].chosen.host, "good");
  EXPECT_TRUE(result.selections[0].alternates.empty());
}

TEST_F(EngineTest, Place_ForcedHostSkipsFiltersButNotCapacity) {
  Add(Host("a"));
  Add(Host("b"));
  ASSERT_TRUE(engine_.SetHostEnabled("b", false, "maintenance").ok());
  auto request = Request(SmallFlavor(8));
  request.forced_host = "b";
  EXPECT_EQ(Place(request).selections[0].chosen.host, "b");
  request.instances = {Uuid::Random()};
  EXPECT_FALSE(Place(request).placed());
}

TEST_F(EngineTest, Place_HintsSeeClaimsAndForeignInstances) {
  const Uuid foreign = Uuid::Random();
  auto host = Host("a");
  host.instances = {foreign};
  Add(host);
  Add(Host("b"));
  auto request = Request(SmallFlavor());
  request.hints = {{"different_host", {foreign.str()}}};
  ASSERT_EQ(Place(request).selections[0].chosen.host, "b");
  auto near = Request(SmallFlavor());
  near.hints = {{"same_host", {request.instances[0].str()}}};
  EXPECT_EQ(Place(near).selections[0].chosen.host, "b");
  auto nowhere = Request(SmallFlavor());
  nowhere.hints = {{"same_host", {Uuid::Random().str()}}};
  EXPECT_FALSE(Place(nowhere).placed());
}

TEST_F(EngineTest, Place_RefusesWhatIsNoRequest) {
  Add(Host("a"));
  PlacementRequest none;
  none.flavor = SmallFlavor();
  EXPECT_EQ(engine_.Place(none).status().code(), Code::kInvalidArgument);
  auto twice = Request(SmallFlavor());
  twice.instances.push_back(twice.instances[0]);
  EXPECT_EQ(engine_.Place(twice).status().code(), Code::kInvalidArgument);
  const auto again = Request(SmallFlavor());
  ASSERT_TRUE(Place(again).placed());
  EXPECT_EQ(engine_.Place(again).status().code(), Code::kAlreadyExists);
  auto nonsense = Request(SmallFlavor());
  nonsense.flavor.extra_specs = {{"free_ram_mb", ">= lots"}};
  EXPECT_EQ(engine_.Place(nonsense).status().code(), Code::kInvalidArgument);
  EXPECT_FALSE(engine_.GetClaim(nonsense.instances[0]));
}

TEST_F(EngineTest, DryRun_AnswersAsPlaceAndLeavesNothing) {
  Add(Host("a"));
  Add(Host("b"));
  const auto request = Request(SmallFlavor(2), 3);
  const auto before = engine_.GetHost("a");
  const auto dry = engine_.DryRun(request).value();
  EXPECT_TRUE(Used("a").empty());
  EXPECT_TRUE(Used("b").empty());
  EXPECT_EQ(before->claimed_instances, engine_.GetHost("a")->claimed_instances);
  const auto real = Place(request);
  ASSERT_EQ(dry.selections.size(), real.selections.size());
  for (std::size_t i = 0; i < real.selections.size(); ++i) {
    EXPECT_EQ(dry.selections[i].chosen, real.selections[i].chosen);
    EXPECT_EQ(dry.selections[i].alternates, real.selections[i].alternates);
  }
}

TEST_F(EngineTest, Claim_ChecksUnlessLoading) {
  Add(Host("a"));
  const auto big = SmallFlavor(16);
  const Uuid uuid = Uuid::Random();
  const auto refused = engine_.Claim(uuid, "a", big, {}, ClaimCheck::kCapacity);
  EXPECT_TRUE(HasReason(refused, reason::kHostResourcesExhausted));
  EXPECT_TRUE(engine_.Claim(uuid, "a", big, {}, ClaimCheck::kLoading).ok());
  EXPECT_EQ(Used("a").at("VCPU"), 16);
  EXPECT_TRUE(engine_.Claim(uuid, "a", big, {}, ClaimCheck::kLoading).ok());  // the same again
  EXPECT_EQ(engine_.Claim(uuid, "a", SmallFlavor(), {}, ClaimCheck::kLoading).code(),
            Code::kAlreadyExists);
  EXPECT_FALSE(Place(Request(SmallFlavor())).placed());
  EXPECT_TRUE(engine_.Release(uuid));
  EXPECT_FALSE(engine_.Release(uuid));
  EXPECT_TRUE(Place(Request(SmallFlavor())).placed());
}

TEST_F(EngineTest, MoveClaim_IsOneStep) {
  Add(Host("a"));
  Add(Host("b"));
  const auto request = Request(SmallFlavor(8));
  ASSERT_EQ(Place(request).selections[0].chosen.host, "a");
  ASSERT_TRUE(engine_.MoveClaim(request.instances[0], "b").ok());
  EXPECT_TRUE(Used("a").empty());
  EXPECT_EQ(Used("b").at("VCPU"), 8);
  const auto other = Request(SmallFlavor());
  ASSERT_EQ(Place(other).selections[0].chosen.host, "a");
  EXPECT_TRUE(
      HasReason(engine_.MoveClaim(other.instances[0], "b"), reason::kHostResourcesExhausted));
  EXPECT_EQ(engine_.GetClaim(other.instances[0])->host, "a");
  EXPECT_TRUE(HasReason(engine_.MoveClaim(Uuid::Random(), "b"), reason::kClaimMissing));
}

TEST_F(EngineTest, UpsertHost_KeepsClaimsAndWhatOperatorsSaid) {
  auto host = Host("a");
  Add(host);
  ASSERT_TRUE(Place(Request(SmallFlavor(4, 512, 1))).placed());
  ASSERT_TRUE(engine_.SetHostEnabled("a", false, "audit").ok());
  host.inventories["VCPU"] = Inv(2);  // shrank below what is used
  host.up = false;                    // what a report says of this does not count
  Add(host);
  const auto snapshot = engine_.GetHost("a").value();
  EXPECT_TRUE(snapshot.state.up);
  EXPECT_FALSE(snapshot.state.enabled);
  EXPECT_EQ(snapshot.state.disabled_reason, "audit");
  EXPECT_EQ(snapshot.used.at("VCPU"), 4);
  EXPECT_EQ(snapshot.claimed_instances, 1);
  ASSERT_TRUE(engine_.SetHostEnabled("a", true, "").ok());
  EXPECT_FALSE(Place(Request(SmallFlavor())).placed());
}

TEST_F(EngineTest, UpsertHost_RefusesSenselessHosts) {
  EXPECT_FALSE(engine_.UpsertHost(Host("../etc")).ok());
  auto host = Host("a");
  host.inventories["VCPU"].step_size = 0;
  EXPECT_FALSE(engine_.UpsertHost(host).ok());
  host = Host("a");
  host.inventories["VCPU"].allocation_ratio = -1;
  EXPECT_FALSE(engine_.UpsertHost(host).ok());
  EXPECT_EQ(engine_.HostCount(), 0U);
}

TEST_F(EngineTest, RemoveHost_OnlyWithoutInstances) {
  Add(Host("a"));
  const auto request = Request(SmallFlavor());
  ASSERT_TRUE(Place(request).placed());
  EXPECT_EQ(engine_.RemoveHost("a").code(), Code::kFailedPrecondition);
  engine_.Release(request.instances[0]);
  EXPECT_TRUE(engine_.RemoveHost("a").ok());
  EXPECT_TRUE(HasReason(engine_.RemoveHost("a"), reason::kHostNotFound));
  Add(Host("b"));  // takes the slot
  EXPECT_TRUE(Used("b").empty());
  EXPECT_EQ(Place(Request(SmallFlavor())).selections[0].chosen.host, "b");
}

TEST_F(EngineTest, ListHosts_PagesByName) {
  for (const auto* name : {"c", "a", "b"}) Add(Host(name));
  const auto first = engine_.ListHosts("", 2);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].state.host, "a");
  EXPECT_EQ(first[1].state.host, "b");
  const auto rest = engine_.ListHosts("b", 2);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].state.host, "c");
}

TEST_F(EngineTest, Explain_CountsRefusalsAndShowsHaveAndNeed) {
  Add(Host("full"));
  Add(Host("off"));
  Add(Host("good"));
  ASSERT_TRUE(
      engine_.Claim(Uuid::Random(), "full", SmallFlavor(7), {}, ClaimCheck::kCapacity).ok());
  ASSERT_TRUE(engine_.SetHostEnabled("off", false, "fan broken").ok());
  const auto why = engine_.Explain(Request(SmallFlavor(2)), 10).value();
  EXPECT_EQ(why.hosts, 3);
  EXPECT_EQ(why.passed, 1);
  ASSERT_GE(why.filters.size(), 2U);
  EXPECT_EQ(why.filters[0].filter, "Placement");
  EXPECT_EQ(why.filters[0].refused, 1);
  EXPECT_EQ(why.filters[1].filter, "ComputeFilter");
  EXPECT_EQ(why.filters[1].refused, 1);
  EXPECT_EQ(why.filters[1].left, 1);
  ASSERT_EQ(why.explanations.size(), 3U);
  EXPECT_EQ(why.explanations[0].host, "good");
  EXPECT_EQ(why.explanations[0].weights.size(), weighers::DefaultWeighers().size());
  EXPECT_EQ(why.explanations[1].host, "off");  // got further than the full one
  EXPECT_EQ(why.explanations[1].verdicts.back().have, "disabled: fan broken");
  EXPECT_EQ(why.explanations[2].verdicts.back().have, "VCPU 1 free of 8");
  EXPECT_EQ(why.explanations[2].verdicts.back().need, "VCPU 2");
  EXPECT_EQ(why.summary, "1 of 3 hosts can take it; best is good.");
}

TEST_F(EngineTest, Explain_OfARefusalNamesTheNearestMiss) {
  Add(Host("a"));
  auto big = Host("b");
  big.inventories["VCPU"] = Inv(12);
  Add(big);
  const auto result = Place(Request(SmallFlavor(16)));
  EXPECT_EQ(
      result.refusal.summary,
      "No host of 2 can take it: Placement refused 2. Nearest: b (Placement: has VCPU 12 free "
      "of 12, needs VCPU 16).");
  EXPECT_EQ(Place(Request(SmallFlavor(16))).refusal.passed, 0);
}

TEST(EngineNoHosts, Place_IsARefusal) {
  Engine engine(testing::DefaultPipeline());
  const auto result = engine.Place(Request(SmallFlavor())).value();
  EXPECT_FALSE(result.placed());
  EXPECT_EQ(result.refusal.summary, "There are no hosts.");
}

TEST(EngineSubset, Place_PicksAmongTheBestWithTheSeed) {
  const auto choose = [](std::uint64_t seed) {
    auto pipeline = testing::DefaultPipeline();
    pipeline.host_subset_size = 3;
    pipeline.seed = seed;
    Engine engine(std::move(pipeline));
    for (const auto* name : {"a", "b", "c", "d"}) EXPECT_TRUE(engine.UpsertHost(Host(name)).ok());
    std::string picks;
    for (int i = 0; i < 12; ++i) {
      const auto request = Request(SmallFlavor());
      picks += engine.DryRun(request)->selections[0].chosen.host;
    }
    return picks;
  };
  EXPECT_EQ(choose(1), choose(1));
  const auto picks = choose(1);
  EXPECT_EQ(picks.find('d'), std::string::npos);
  EXPECT_NE(picks.find_first_not_of(picks[0]), std::string::npos);
}

// The whole life of a fleet: what was drawn before decides what is left for the next.
TEST(EngineSubset, SameSeedSameResult) {
  const auto live = [](std::uint64_t seed) {
    auto pipeline = testing::DefaultPipeline();
    pipeline.host_subset_size = 5;
    pipeline.seed = seed;
    Engine engine(std::move(pipeline));
    for (int i = 0; i < 60; ++i) {
      EXPECT_TRUE(engine.UpsertHost(Host("h" + std::to_string(i))).ok());
    }
    std::string text;
    for (int i = 0; i < 120; ++i) {
      const std::size_t instances = i % 10 == 0 ? 3 : 1;
      const auto request = Request(SmallFlavor(1 + i % 3, 512 << i % 2, 5), instances);
      const auto result = engine.Place(request, {.alternates = 2}).value();
      EXPECT_TRUE(result.placed());
      for (const auto& selection : result.selections) {
        text += selection.chosen.host;
        for (const auto& host : selection.alternates) text += " or " + host.host;
        text += "\n";
      }
      if (i % 4 != 3) continue;
      EXPECT_TRUE(engine.Release(request.instances[0]));
    }
    return text;
  };
  const std::string first = live(7);
  EXPECT_EQ(live(7), first);
  EXPECT_NE(live(8), first);
}

// More hosts than are looked at in one go.
TEST(Engine, WhatFitsCountsEveryHostOnce) {
  Engine engine(testing::DefaultPipeline());
  const int hosts = 4500;
  for (int i = 0; i < hosts; ++i) {
    HostState host = testing::Host("h" + std::to_string(i));
    host.inventories["VCPU"] = testing::Inv(i % 3 + 1);
    ASSERT_TRUE(engine.UpsertHost(host).ok());
  }
  ASSERT_TRUE(engine.RemoveHost("h17").ok());
  const auto room = engine.WhatFits(testing::Request(testing::SmallFlavor()));
  ASSERT_TRUE(room.ok()) << room.status();
  EXPECT_EQ(room->count, hosts * 2 - (17 % 3 + 1));
  EXPECT_EQ(room->hosts.size(), hosts - 1U);
}

}  // namespace
}  // namespace kilonova::scheduler::core
