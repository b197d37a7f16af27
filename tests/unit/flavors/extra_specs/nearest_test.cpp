// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "flavors/extra_specs/registry.h"

namespace kilonova::flavors::extra_specs {
namespace {

TEST(NearestKey, FindsWhatWasMeant) {
  EXPECT_EQ(NearestKey("hw:cpu_polcy"), "hw:cpu_policy");
  EXPECT_EQ(NearestKey("hw:cpu_plociy"), "hw:cpu_policy");
  EXPECT_EQ(NearestKey("hw:mem_pagesize"), "hw:mem_page_size");
  EXPECT_EQ(NearestKey("hw:numa_node"), "hw:numa_nodes");
  EXPECT_EQ(NearestKey("hw:numa_cpu.3"), "hw:numa_cpus.3");
  EXPECT_EQ(NearestKey("hw:numa_mem"), "hw:numa_mem.0");
  EXPECT_EQ(NearestKey("trait_a:HW_CPU_X86_AVX22"), "trait_a:HW_CPU_X86_AVX2");
  EXPECT_EQ(NearestKey("resources1:VCPUS"), "resources1:VCPU");
  EXPECT_EQ(NearestKey("trait:hw_cpu_x86_avx2"), "trait:HW_CPU_X86_AVX2");
  EXPECT_EQ(NearestKey("quota:disk_reads_iops_sec"), "quota:disk_read_iops_sec");
}

TEST(NearestKey, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(NearestKey("hw:zzzzzzzzzzzz"), "");
  EXPECT_EQ(NearestKey(""), "");
  EXPECT_EQ(NearestKey(":"), "");
  EXPECT_EQ(NearestKey("hw:" + std::string(1'000'000, 'x')), "");
  EXPECT_EQ(NearestKey("hw:numa_cpus." + std::string(115, '1') + "x"), "");
}

// A suggestion must itself be taken.
TEST(NearestKey, IsAlwaysAKeyItself) {
  for (const ExtraSpec& spec : All()) {
    std::string key = spec.name;
    for (std::size_t i = 0; i < key.size(); ++i) {
      std::string wrong = key;
      wrong.erase(i, 1);
      const std::string nearest = NearestKey(wrong);
      EXPECT_TRUE(nearest.empty() || Find(nearest) != nullptr) << wrong << " -> " << nearest;
      if (spec.name.starts_with("trait")) break;
    }
  }
}

}  // namespace
}  // namespace kilonova::flavors::extra_specs
