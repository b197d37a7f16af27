// SPDX-License-Identifier: Apache-2.0
// Traits, aggregates and nested providers choose hosts, and claims are kept where they were taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

using ::testing::HasSubstr;

PlacementRequest Asking(const model::ExtraSpecs& extra_specs, std::size_t count = 1) {
  PlacementRequest request = testing::Request(testing::SmallFlavor(), count);
  request.flavor.extra_specs = extra_specs;
  ResourceRequest resources;
  RequestGroup& group = resources.Group("");
  group.resources = model::ResourcesOf(request.flavor);
  for (const auto& [key, value] : extra_specs) {
    const std::size_t colon = key.find(':');
    const bool trait = key.starts_with("trait");
    RequestGroup& of = resources.Group(key.substr(trait ? 5 : 9, colon - (trait ? 5 : 9)));
    trait ? of.AddTrait(key.substr(colon + 1), value)
          : of.AddResource(key.substr(colon + 1), value);
  }
  request.resource_request = std::make_shared<const ResourceRequest>(std::move(resources));
  return request;
}

PlacementRequest With(PlacementRequest request, void (*change)(ResourceRequest&)) {
  auto resources = std::make_shared<ResourceRequest>(*request.resource_request);
  change(*resources);
  request.resource_request = std::move(resources);
  return request;
}

HostState GpuHost(const std::string& name, std::int64_t gpus = 2, std::int64_t slices = 4) {
  HostState host = testing::Host(name);
  for (std::int64_t i = 0; i < gpus; ++i) {
    NestedProvider gpu{"gpu-" + std::to_string(i), "", {{"VGPU", testing::Inv(slices)}}, {}};
    if (i == 0) gpu.traits = {"CUSTOM_FAST"};
    host.nested.push_back(std::move(gpu));
  }
  return host;
}

class PlacementTest : public ::testing::Test {
 protected:
  std::string ChosenOf(const PlacementRequest& request) {
    auto placed = engine_.Place(request);
    EXPECT_TRUE(placed.ok()) << placed.status();
    if (!placed.ok()) return "";
    refusal_ = placed->refusal.summary;
    if (!placed->placed()) return "";
    taken_ = placed->selections[0].resources;
    return placed->selections[0].chosen.host;
  }
  void Add(const HostState& host) { ASSERT_TRUE(engine_.UpsertHost(host).ok()); }

  Engine engine_{testing::DefaultPipeline()};
  std::string refusal_;
  model::Resources taken_;
};

TEST_F(PlacementTest, TraitsChooseTheHost) {
  Add(testing::Host("plain"));
  HostState fast = testing::Host("fast");
  fast.traits = {"HW_CPU_X86_AVX512F", "CUSTOM_SSD"};
  Add(fast);
  EXPECT_EQ(ChosenOf(Asking({{"trait:HW_CPU_X86_AVX512F", "required"}})), "fast");
  EXPECT_EQ(ChosenOf(Asking({{"trait:CUSTOM_SSD", "forbidden"}})), "plain");
  EXPECT_EQ(ChosenOf(Asking({{"trait:CUSTOM_GOLD", "required"}})), "");
  EXPECT_THAT(refusal_, HasSubstr("Placement refused 2"));
  EXPECT_THAT(refusal_, HasSubstr("has no trait CUSTOM_GOLD, needs trait CUSTOM_GOLD"));
}

TEST_F(PlacementTest, ARequestTheSameAgainSeesTheTraitsOfNow) {
  HostState host = testing::Host("h");
  Add(host);
  const auto request = [] { return Asking({{"trait:CUSTOM_SSD", "required"}}); };
  EXPECT_EQ(ChosenOf(request()), "");
  host.traits = {"CUSTOM_SSD"};
  Add(host);
  EXPECT_EQ(ChosenOf(request()), "h");
}

TEST_F(PlacementTest, DisabledHostsBearTheirTrait) {
  Add(testing::Host("h"));
  ASSERT_TRUE(engine_.SetHostEnabled("h", false, "broken fan").ok());
  const auto request = With(Asking({}), [](ResourceRequest& resources) {
    resources.level.root_forbidden.insert("COMPUTE_STATUS_DISABLED");
  });
  EXPECT_EQ(ChosenOf(request), "");
  EXPECT_THAT(refusal_, HasSubstr("COMPUTE_STATUS_DISABLED (broken fan)"));
  ASSERT_TRUE(engine_.SetHostEnabled("h", true, "").ok());
  EXPECT_EQ(ChosenOf(request), "h");
}

TEST_F(PlacementTest, AggregatesAreWantedAndForbidden) {
  HostState a = testing::Host("a");
  a.aggregates = {{1, "one", {}, "u1"}, {2, "two", {}, "u2"}};
  HostState b = testing::Host("b");
  b.aggregates = {{1, "one", {}, "u1"}};
  Add(a);
  Add(b);
  const auto in = [](std::vector<std::vector<std::string>> wanted, std::set<std::string> without) {
    PlacementRequest request = Asking({});
    auto resources = std::make_shared<ResourceRequest>(*request.resource_request);
    resources->Group("").aggregates = std::move(wanted);
    resources->Group("").forbidden_aggregates = std::move(without);
    request.resource_request = std::move(resources);
    return request;
  };
  EXPECT_EQ(ChosenOf(in({{"u1"}, {"u2", "u3"}}, {})), "a");
  EXPECT_EQ(ChosenOf(in({{"u1"}}, {"u2"})), "b");
  EXPECT_EQ(ChosenOf(in({{"u3"}}, {})), "");
  EXPECT_THAT(refusal_, HasSubstr("needs aggregate u3"));
}

TEST_F(PlacementTest, ForcingAHostForcesNoTrait) {
  Add(testing::Host("h"));
  PlacementRequest request = Asking({{"trait:CUSTOM_SSD", "required"}});
  request.forced_host = "h";
  EXPECT_EQ(ChosenOf(request), "");
}

TEST_F(PlacementTest, NestedProvidersServeTheirClassAndKeepTheBooks) {
  Add(testing::Host("plain"));
  Add(GpuHost("gpu", 2, 4));
  const PlacementRequest request = Asking({{"resources:VGPU", "3"}});
  ASSERT_EQ(ChosenOf(request), "gpu");
  EXPECT_EQ(taken_.at("VGPU@gpu-0"), 3);
  EXPECT_EQ(taken_.at("VCPU"), 1);
  EXPECT_EQ(engine_.Usage("gpu")->at("VGPU@gpu-0"), 3);
  ASSERT_EQ(ChosenOf(Asking({{"resources:VGPU", "3"}})), "gpu");
  EXPECT_EQ(taken_.at("VGPU@gpu-1"), 3);
  EXPECT_EQ(ChosenOf(Asking({{"resources:VGPU", "2"}})), "");
  EXPECT_EQ(ChosenOf(Asking({{"resources:VGPU", "1"}})), "gpu");
  ASSERT_TRUE(engine_.Release(request.instances[0]));
  ASSERT_EQ(ChosenOf(Asking({{"resources:VGPU", "2"}})), "gpu");
  EXPECT_EQ(taken_.at("VGPU@gpu-0"), 2);
}

TEST_F(PlacementTest, GroupsAreServedByOneProviderEachAndMayBeIsolated) {
  Add(GpuHost("gpu", 2, 4));
  const model::ExtraSpecs two = {{"resources1:VGPU", "1"}, {"resources2:VGPU", "1"}};
  const auto isolated = With(Asking(two), [](ResourceRequest& r) { r.group_policy = "isolate"; });
  ASSERT_EQ(ChosenOf(isolated), "gpu");
  EXPECT_EQ(taken_.at("VGPU@gpu-0"), 1);
  EXPECT_EQ(taken_.at("VGPU@gpu-1"), 1);
  const auto fast = With(Asking({{"resources1:VGPU", "2"},
                                 {"resources2:VGPU", "1"},
                                 {"trait1:CUSTOM_FAST", "required"},
                                 {"trait2:CUSTOM_FAST", "required"}}),
                         [](ResourceRequest& r) { r.group_policy = "none"; });
  ASSERT_EQ(ChosenOf(fast), "gpu");
  EXPECT_EQ(taken_.at("VGPU@gpu-0"), 3);
  EXPECT_EQ(taken_.count("VGPU@gpu-1"), 0U);
}

TEST_F(PlacementTest, ClaimsOfNestedProvidersAreLoadedAndOutliveAReport) {
  ASSERT_TRUE(engine_.UpsertHost(testing::Host("gpu")).ok());  // before it says what it nests
  const Uuid instance = Uuid::Random();
  const model::Resources held = {{"VCPU", 1}, {"VGPU@gpu-0", 3}};
  ASSERT_TRUE(
      engine_.Claim(instance, "gpu", testing::SmallFlavor(), held, ClaimCheck::kLoading).ok());
  Add(GpuHost("gpu", 1, 4));
  EXPECT_EQ(engine_.GetClaim(instance)->resources, held);
  EXPECT_EQ(ChosenOf(Asking({{"resources:VGPU", "2"}})), "");
  EXPECT_EQ(ChosenOf(Asking({{"resources:VGPU", "1"}})), "gpu");
  // A claim of a nested provider is not moved as it is.
  Add(GpuHost("other", 1, 4));
  EXPECT_EQ(engine_.MoveClaim(instance, "other").code(), Code::kResourceExhausted);
  ASSERT_TRUE(engine_.Release(instance));
  EXPECT_EQ(engine_.Usage("gpu")->at("VGPU@gpu-0"), 1);
}

TEST_F(PlacementTest, PinnedGuestsFallBackToVcpusWhereNobodyHasPcpus) {
  Add(testing::Host("h"));
  PlacementRequest request = With(Asking({}), [](ResourceRequest& r) {
    r.Group("").resources = {{"PCPU", 1}, {"MEMORY_MB", 512}};
  });
  EXPECT_EQ(ChosenOf(request), "");
  request.vcpu_fallback = Asking({}).resource_request;
  EXPECT_EQ(ChosenOf(request), "h");
  EXPECT_EQ(taken_.at("VCPU"), 1);
}

// As in Nova, which asks Placement twice and weighs the hosts of both answers together.
TEST_F(PlacementTest, HostsOfBothQuestionsAreWeighedTogether) {
  const auto pinned = [] {
    PlacementRequest request = With(Asking({}), [](ResourceRequest& r) {
      r.Group("").resources = {{"PCPU", 1}, {"MEMORY_MB", 512}};
    });
    request.vcpu_fallback = Asking({}).resource_request;
    return request;
  };
  HostState with = testing::Host("with");
  with.inventories["PCPU"] = testing::Inv(2);
  HostState without = testing::Host("without");
  without.inventories["MEMORY_MB"] = testing::Inv(16384);
  Add(with);
  Add(without);
  // The larger host is the better one, whichever question it answers.
  EXPECT_EQ(ChosenOf(pinned()), "without");
  EXPECT_EQ(taken_, (model::Resources{{"VCPU", 1}, {"MEMORY_MB", 512}, {"DISK_GB", 1}}));
  without.inventories["MEMORY_MB"] = testing::Inv(4096);
  Add(without);
  // A host that has both is claimed by the first question's answer.
  EXPECT_EQ(ChosenOf(pinned()), "with");
  EXPECT_EQ(taken_, (model::Resources{{"PCPU", 1}, {"MEMORY_MB", 512}}));
  const auto explained = engine_.Explain(pinned(), 10);
  ASSERT_TRUE(explained.ok());
  EXPECT_EQ(explained->passed, 2);
  const auto room = engine_.WhatFits(pinned());
  ASSERT_TRUE(room.ok()) << room.status();
  EXPECT_EQ(room->count, 1 + 7);
  // The host with PCPU takes no more than those in one request; the other takes the rest.
  PlacementRequest many = pinned();
  for (int i = 0; i < 3; ++i) many.instances.push_back(Uuid::Random());
  const auto placed = engine_.Place(many);
  ASSERT_TRUE(placed.ok() && placed->placed());
  int on_pcpus = 0;
  for (const auto& selection : placed->selections) {
    on_pcpus += selection.resources.contains("PCPU") ? 1 : 0;
    EXPECT_EQ(selection.resources.contains("PCPU"), selection.chosen.host == "with");
  }
  EXPECT_EQ(on_pcpus, 1);
}

TEST_F(PlacementTest, SenselessProvidersAreRefused) {
  const auto refused = [&](void (*change)(HostState&)) {
    HostState host = GpuHost("h");
    change(host);
    return engine_.UpsertHost(host).code() == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](HostState& h) { h.nested[1].name = "gpu-0"; }));
  EXPECT_TRUE(refused([](HostState& h) { h.nested[0].parent = "gpu-1"; }));
  EXPECT_TRUE(refused([](HostState& h) { h.nested[0].name = ""; }));
  EXPECT_TRUE(refused([](HostState& h) { h.nested[0].inventories["VGPU"].step_size = 0; }));
  EXPECT_TRUE(refused([](HostState& h) { h.inventories["VGPU@gpu-0"] = testing::Inv(1); }));
  EXPECT_FALSE(refused([](HostState& h) { h.nested[1].parent = "gpu-0"; }));
}

}  // namespace
}  // namespace kilonova::scheduler::core
