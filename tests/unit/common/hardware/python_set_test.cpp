// SPDX-License-Identifier: Apache-2.0
// What CPython 3.11 prints for the same sets.
#include "common/hardware/python_set.h"

#include <gtest/gtest.h>

namespace kilonova::hardware {
namespace {

using Ids = std::vector<CpuId>;

TEST(PythonOrder, IsThatOfTheHashTable) {
  const Ids cases[] = {{16, 7},     {1, 9},       {19, 35, 3, 51},
                       {18, 2, 10}, {32, 33, 31}, {37, 5, 13, 45, 61, 21, 53, 29},
                       {},          {100, 5},     {64, 40, 72, 48, 80, 56}};
  for (const Ids& order : cases) EXPECT_EQ(PythonOrder(CpuSet(order)), order);
}

TEST(PythonFreeThreads, WalksTheSmallerSet) {
  const auto free = [](const CpuSet& core, const CpuSet& pcpuset, const CpuSet& pinned) {
    return PythonFreeThreads(core, pcpuset - pinned, pcpuset, pinned);
  };
  EXPECT_EQ(free({8, 16}, {1, 8, 16}, {1}), (Ids{8, 16}));
  EXPECT_EQ(free({0, 8, 16}, {0, 8, 16, 24, 32}, {24, 32}), (Ids{0, 16, 8}));
  EXPECT_EQ(free({5, 13, 21, 29, 37, 45, 53, 61}, {5, 13, 21, 29}, {}), (Ids{29, 13, 21, 5}));
  EXPECT_EQ(free({3, 19, 35, 51}, CpuSet::Range(0, 63), {19}), (Ids{35, 3, 51}));
  EXPECT_EQ(free({0, 8, 16, 24, 32, 40, 48, 56}, CpuSet::Range(0, 63), {8}),
            (Ids{0, 32, 40, 16, 48, 24, 56}));
  EXPECT_EQ(free({4}, CpuSet::Range(0, 63), {4}), Ids{});
}

}  // namespace
}  // namespace kilonova::hardware
