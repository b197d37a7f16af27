// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/claim_loader.h"

#include <gtest/gtest.h>

#include "scheduler/weighers/weighers.h"
#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

using Properties = std::map<std::string, std::string>;

KnownClaim ClaimOf(const Uuid& instance, std::string_view host, const model::Flavor& flavor,
                   const model::Resources& resources, const Properties& properties) {
  return {KeyOf(instance), host, &flavor, &resources, &properties, nullptr};
}

class ClaimLoaderTest : public ::testing::Test {
 protected:
  ClaimLoaderTest() {
    for (const char* host : {"a", "b"}) {
      EXPECT_TRUE(loaded_.UpsertHost(testing::Host(host)).ok());
      EXPECT_TRUE(claimed_.UpsertHost(testing::Host(host)).ok());
    }
  }
  static Pipeline ByImages() {
    Pipeline pipeline;
    pipeline.filters = filters::MakeFilters(filters::DefaultFilters(), {}).value();
    pipeline.weighers =
        weighers::MakeWeighers({"ImagePropertiesWeigher"},
                               {.multipliers = {{"image_props_weight_multiplier", 1.0}}})
            .value();
    return pipeline;
  }
  Engine loaded_{ByImages()}, claimed_{ByImages()};
};

TEST_F(ClaimLoaderTest, IsAsIfClaimedOneByOne) {
  const model::Flavor small = testing::SmallFlavor(), large = testing::SmallFlavor(4, 4096, 10);
  const model::Resources of_small = model::ResourcesOf(small), of_large = model::ResourcesOf(large);
  const Properties debian = {{"os_distro", "debian"}}, none;
  std::vector<Uuid> instances;
  {
    ClaimLoader loader(loaded_);
    loader.Reserve(10);
    std::vector<KnownClaim> claims;
    for (int i = 0; i < 6; ++i) {
      const bool odd = i % 2 != 0;
      const Uuid& uuid = instances.emplace_back(Uuid::Random());
      const std::string_view host = odd ? "a" : "b";
      claims.push_back(
          ClaimOf(uuid, host, odd ? large : small, odd ? of_large : of_small, odd ? debian : none));
      ASSERT_TRUE(claimed_
                      .Claim(uuid, host, odd ? large : small, odd ? of_large : of_small,
                             ClaimCheck::kLoading)
                      .ok());
      claimed_.SetImage(uuid, odd ? debian : none);
    }
    ASSERT_TRUE(loader.Load(std::span(claims).first(2)).ok());
    ASSERT_TRUE(loader.Load(std::span(claims).subspan(2)).ok());
  }
  for (const char* host : {"a", "b"}) {
    EXPECT_EQ(*loaded_.Usage(host), *claimed_.Usage(host));
    EXPECT_EQ(loaded_.GetHost(host)->claimed_instances, 3);
  }
  // More is claimed on a than it has, so that both see the same room and images.
  PlacementRequest request = testing::Request(small);
  request.image_properties = debian;
  const auto one = loaded_.Explain(request, 10), other = claimed_.Explain(request, 10);
  ASSERT_TRUE(one.ok() && other.ok());
  ASSERT_EQ(one->explanations.size(), other->explanations.size());
  for (std::size_t i = 0; i < one->explanations.size(); ++i) {
    EXPECT_EQ(one->explanations[i].host, other->explanations[i].host);
    EXPECT_EQ(one->explanations[i].total_weight, other->explanations[i].total_weight);
  }
  for (const Uuid& uuid : instances) {
    EXPECT_EQ(loaded_.GetClaim(uuid)->host, claimed_.GetClaim(uuid)->host);
    EXPECT_TRUE(loaded_.Release(uuid));
  }
  EXPECT_TRUE(loaded_.Usage("a")->empty());
  EXPECT_TRUE(loaded_.RemoveHost("a").ok());
}

TEST_F(ClaimLoaderTest, WhatCannotBeIsSaid) {
  const model::Flavor flavor = testing::SmallFlavor();
  const model::Resources good = model::ResourcesOf(flavor), bad = {{"VCPU", -1}};
  const Properties none;
  ClaimLoader loader(loaded_);
  const Uuid uuid = Uuid::Random();
  const std::vector<KnownClaim> nowhere = {ClaimOf(uuid, "c", flavor, good, none)};
  EXPECT_TRUE(HasReason(loader.Load(nowhere), reason::kHostNotFound));
  const std::vector<KnownClaim> senseless = {ClaimOf(uuid, "a", flavor, bad, none)};
  EXPECT_EQ(loader.Load(senseless).code(), Code::kInvalidArgument);
  EXPECT_TRUE(loaded_.Usage("a")->empty());
  const std::vector<KnownClaim> twice = {ClaimOf(uuid, "a", flavor, good, none),
                                         ClaimOf(uuid, "b", flavor, good, none)};
  EXPECT_EQ(loader.Load(twice).code(), Code::kAlreadyExists);
  EXPECT_EQ(loaded_.GetClaim(uuid)->host, "a");
  EXPECT_TRUE(loaded_.Usage("b")->empty());
}

}  // namespace
}  // namespace kilonova::scheduler::core
