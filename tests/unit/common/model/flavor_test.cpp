// SPDX-License-Identifier: Apache-2.0
#include "common/model/flavor.h"

#include <gtest/gtest.h>

#include <limits>

namespace kilonova::model {
namespace {

Flavor Tiny() {
  Flavor flavor;
  flavor.flavorid = "1";
  flavor.name = "m1.tiny";
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  flavor.extra_specs = {{"hw_rng:allowed", "True"}};
  return flavor;
}

TEST(Flavor, ContentHash_ChangesWithWhatAGuestSees) {
  const Flavor base = Tiny();
  Flavor same = base;
  same.id = 9;
  same.description = "x";
  same.is_public = false;
  EXPECT_EQ(base.ContentHash(), same.ContentHash());
  EXPECT_TRUE(DiffFlavors(base, same).empty());
  const auto differs = [&base](auto change) {
    Flavor other = base;
    change(other);
    return other.ContentHash() != base.ContentHash() && DiffFlavors(base, other).size() == 1;
  };
  EXPECT_TRUE(differs([](Flavor& f) { f.vcpus = 2; }));
  EXPECT_TRUE(differs([](Flavor& f) { f.memory_mb = 513; }));
  EXPECT_TRUE(differs([](Flavor& f) { f.root_gb = 2; }));
  EXPECT_TRUE(differs([](Flavor& f) { f.ephemeral_gb = 2; }));
  EXPECT_TRUE(differs([](Flavor& f) { f.swap_mb = 2; }));
  EXPECT_TRUE(differs([](Flavor& f) { f.rxtx_factor = 1.1; }));
  EXPECT_TRUE(differs([](Flavor& f) { f.name = "m1.tinz"; }));
  EXPECT_TRUE(differs([](Flavor& f) { f.extra_specs["a"] = "b"; }));
  EXPECT_TRUE(differs([](Flavor& f) { f.extra_specs.clear(); }));
}

TEST(Flavor, Diff_SaysWhatIsAbsent) {
  Flavor other = Tiny();
  other.extra_specs.clear();
  const auto diff = DiffFlavors(other, Tiny());
  ASSERT_EQ(diff.size(), 1U);
  EXPECT_EQ(diff[0].field, "extra_specs.hw_rng:allowed");
  EXPECT_EQ(diff[0].have, "(absent)");
  EXPECT_EQ(diff[0].want, "True");
}

TEST(Flavor, Validate_KnowsNovasBounds) {
  EXPECT_TRUE(ValidateFlavor(Tiny()).ok());
  const auto field = [](auto change) {
    Flavor flavor = Tiny();
    change(flavor);
    const Status status = ValidateFlavor(flavor);
    return status.ok() ? std::string("ok") : DetailsOf(status)["field"];
  };
  EXPECT_EQ(field([](Flavor& f) { f.vcpus = 0; }), "vcpus");
  EXPECT_EQ(field([](Flavor& f) { f.vcpus = 2147483647; }), "ok");
  EXPECT_EQ(field([](Flavor& f) { f.vcpus = 2147483648; }), "vcpus");
  EXPECT_EQ(field([](Flavor& f) { f.memory_mb = 0; }), "memory_mb");
  EXPECT_EQ(field([](Flavor& f) { f.root_gb = -1; }), "root_gb");
  EXPECT_EQ(field([](Flavor& f) { f.rxtx_factor = 0; }), "rxtx_factor");
  EXPECT_EQ(field([](Flavor& f) { f.rxtx_factor = std::numeric_limits<double>::quiet_NaN(); }),
            "rxtx_factor");
  EXPECT_EQ(field([](Flavor& f) { f.name = " x"; }), "name");
  EXPECT_EQ(field([](Flavor& f) { f.name = "a\nb"; }), "name");
  EXPECT_EQ(field([](Flavor& f) { f.flavorid = "a/b"; }), "flavorid");
  const auto with_specs = [&field](int count) {
    return field([count](Flavor& f) {
      f.extra_specs.clear();
      for (int i = 0; i < count; ++i) f.extra_specs["quota:" + std::to_string(i)] = "1";
    });
  };
  EXPECT_EQ(with_specs(512), "ok");
  EXPECT_EQ(with_specs(513), "extra_specs");
}

}  // namespace
}  // namespace kilonova::model
