// SPDX-License-Identifier: Apache-2.0
// Replays the fuzzer's seeds: what tests/fuzz/images checks, without a fuzzer.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/images/partition_property.h"

namespace kilonova::agent::adapters::images {
namespace {

TEST(ImageInspectorCorpus, EverySeedKeepsTheProperty) {
  int seeds = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(KILONOVA_SOURCE_DIR "/tests/fuzz/images/corpus")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(BrokenPartitionProperty(bytes), "") << entry.path();
    ++seeds;
  }
  EXPECT_GE(seeds, 20);
}

}  // namespace
}  // namespace kilonova::agent::adapters::images
