// SPDX-License-Identifier: Apache-2.0
// The fuzz target over its corpus, without a fuzzer: what once broke stays mended.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

TEST(SchedulerHintsFuzz, CorpusIsSurvived) {
  const std::filesystem::path corpus =
      std::string(KILONOVA_SOURCE_DIR) + "/tests/fuzz/scheduler/corpus";
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ++count;
  }
  EXPECT_GE(count, 15U);
}

}  // namespace
