// SPDX-License-Identifier: Apache-2.0
#include "common/model/standard_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace kilonova::model {
namespace {

// The lookups search by halves: an entry out of order would not be found.
TEST(StandardNames, AreSortedAndEachOnce) {
  for (const auto names : {StandardTraits(), StandardResourceClasses()}) {
    EXPECT_FALSE(names.empty());
    for (std::size_t i = 1; i < names.size(); ++i) {
      EXPECT_LT(names[i - 1], names[i]);
    }
  }
}

TEST(StandardNames, Lookups) {
  EXPECT_TRUE(IsStandardTrait("HW_CPU_X86_AVX2"));
  EXPECT_TRUE(IsStandardTrait("COMPUTE_IMAGE_TYPE_QCOW2"));
  EXPECT_FALSE(IsStandardTrait("CUSTOM_GOLD"));
  EXPECT_FALSE(IsStandardTrait("VCPU"));
  EXPECT_FALSE(IsStandardTrait(""));
  EXPECT_TRUE(IsStandardResourceClass("VCPU"));
  EXPECT_TRUE(IsStandardResourceClass("SRIOV_NET_VF"));
  EXPECT_FALSE(IsStandardResourceClass("CUSTOM_PMEM"));
  EXPECT_FALSE(IsStandardResourceClass("vcpu"));
}

}  // namespace
}  // namespace kilonova::model
