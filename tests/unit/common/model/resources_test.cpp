// SPDX-License-Identifier: Apache-2.0
#include "common/model/resources.h"

#include <gtest/gtest.h>

#include "common/model/flavor.h"

namespace kilonova::model {
namespace {

TEST(Inventory, Capacity_IsCutAsPlacementCutsIt) {
  EXPECT_EQ((Inventory{.total = 7, .reserved = 1, .allocation_ratio = 1.5}).Capacity(), 9);
  EXPECT_EQ((Inventory{.total = 3, .allocation_ratio = 1.5}).Capacity(), 4);
  EXPECT_EQ((Inventory{.total = 3, .allocation_ratio = 0.3}).Capacity(), 0);
}

TEST(Inventory, Units) {
  const Inventory inventory{.total = 100, .min_unit = 2, .max_unit = 10, .step_size = 2};
  EXPECT_TRUE(inventory.AllowsUnit(2));
  EXPECT_FALSE(inventory.AllowsUnit(1));
  EXPECT_FALSE(inventory.AllowsUnit(3));
  EXPECT_FALSE(inventory.AllowsUnit(12));
}

TEST(Resources, OfAFlavor) {
  Flavor flavor;
  flavor.vcpus = 2;
  flavor.memory_mb = 2048;
  flavor.root_gb = 10;
  flavor.ephemeral_gb = 5;
  flavor.swap_mb = 1025;
  EXPECT_EQ(ResourcesOf(flavor), (Resources{{"VCPU", 2}, {"MEMORY_MB", 2048}, {"DISK_GB", 17}}));
  flavor.root_gb = flavor.ephemeral_gb = flavor.swap_mb = 0;
  EXPECT_EQ(ResourcesOf(flavor), (Resources{{"VCPU", 2}, {"MEMORY_MB", 2048}}));
}

}  // namespace
}  // namespace kilonova::model
