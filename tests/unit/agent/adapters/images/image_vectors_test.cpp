// SPDX-License-Identifier: Apache-2.0
// Every vector gets the verdict it must get, however its bytes are cut into chunks.
#include "tests/unit/agent/adapters/images/image_vectors.h"

#include <gmock/gmock.h>

#include <iostream>
#include <random>
#include <sstream>

#include "agent/adapters/images/inspector/inspector.h"
#include "common/base/hash.h"

namespace kilonova::agent::adapters::images {
namespace {

using kilonova::testing::ImageVector;

Verdict Whole(const ImageVector& v) {
  ImageInspector inspector;
  inspector.Feed(v.content);
  return inspector.Finish(v.claimed_format);
}

Verdict InChunksOf(const ImageVector& v, std::size_t size) {
  ImageInspector inspector;
  const std::string_view all = v.content;
  for (std::size_t at = 0; at < all.size(); at += size) inspector.Feed(all.substr(at, size));
  return inspector.Finish(v.claimed_format);
}

// Mostly small pieces near the start, where decisions fall, larger ones later.
Verdict InRandomChunks(const ImageVector& v, std::uint32_t seed) {
  std::mt19937 random(seed);
  ImageInspector inspector;
  const std::string_view all = v.content;
  const std::size_t scale = std::size_t{1} << (random() % 17);
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t size = random() % (scale + at / 64 + 1);
    inspector.Feed(all.substr(at, size));  // sometimes empty
    at += size;
  }
  return inspector.Finish(v.claimed_format);
}

std::vector<std::string> Names(const std::vector<Check>& checks) {
  std::vector<std::string> names;
  for (const Check check : checks) names.emplace_back(CheckName(check));
  return names;
}

std::string Text(const Verdict& verdict) {
  std::ostringstream out;
  out << "format=" << verdict.detected_format << " matches=";
  for (const std::string& match : verdict.matches) out << match << ',';
  out << " failed=";
  for (const std::string& name : Names(verdict.failed_checks)) out << name << ',';
  out << " size=";
  if (verdict.virtual_size) out << *verdict.virtual_size;
  return out.str();
}

// What the bytes alone must say: a vector that only the comparison with qemu-img refuses passes.
std::vector<std::string> ExpectedChecks(const ImageVector& v) {
  return v.stage == "inspector" ? v.failed_checks : std::vector<std::string>{};
}

TEST(ImageVectors, EveryVerdictIsTheExpectedOne) {
  const int count = kilonova::testing::ForEachImageVector([](const ImageVector& v) {
    SCOPED_TRACE(v.id + " (" + v.why + "), claimed " + v.claimed_format);
    ASSERT_EQ(Sha256Hex(v.content), v.sha256) << "the recipe was not followed";
    const Verdict verdict = Whole(v);
    EXPECT_EQ(verdict.detected_format, v.detected_format);
    EXPECT_EQ(verdict.matches, v.matches);
    EXPECT_EQ(Names(verdict.failed_checks), ExpectedChecks(v));
    EXPECT_EQ(verdict.safe(), v.stage != "inspector");
    if (v.virtual_size) {
      EXPECT_EQ(verdict.virtual_size, v.virtual_size);
    }
  });
  EXPECT_GE(count, 100);
  RecordProperty("vectors", count);
  std::cout << count << " vectors\n";
}

TEST(ImageVectors, ChunkingNeverChangesAVerdict) {
  kilonova::testing::ForEachImageVector([](const ImageVector& v) {
    SCOPED_TRACE(v.id + " (" + v.why + ")");
    const std::string whole = Text(Whole(v));
    EXPECT_EQ(Text(InChunksOf(v, 1)), whole) << "byte by byte";
    EXPECT_EQ(Text(InChunksOf(v, 511)), whole) << "in chunks of 511";
    EXPECT_EQ(Text(InChunksOf(v, 4096)), whole) << "in chunks of 4096";
    for (std::uint32_t seed = 1; seed <= 10; ++seed) {
      EXPECT_EQ(Text(InRandomChunks(v, seed)), whole) << "random partition " << seed;
    }
  });
}

TEST(ImageVectors, LeastVirtualSizeNeverExceedsTheFinalOne) {
  kilonova::testing::ForEachImageVector([](const ImageVector& v) {
    if (!v.virtual_size) return;
    SCOPED_TRACE(v.id);
    ImageInspector inspector;
    const std::string_view all = v.content;
    for (std::size_t at = 0; at < all.size(); at += 700) {
      inspector.Feed(all.substr(at, 700));
      ASSERT_LE(inspector.LeastVirtualSize(), *v.virtual_size) << "after " << at + 700;
    }
  });
}

}  // namespace
}  // namespace kilonova::agent::adapters::images
