// SPDX-License-Identifier: Apache-2.0
// Policy, records and overlays' headers.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>

#include "agent/adapters/images/inspector/inspector.h"
#include "agent/adapters/images/policy.h"
#include "agent/adapters/images/records.h"

namespace kilonova::agent::adapters::images {
namespace {

const std::set<std::string> kServed = {"qcow2", "raw", "iso", "ami", "aki", "ari"};

TEST(ServedAs_Test, KernelsAndCdRomsAreRaw) {
  EXPECT_EQ(*ServedAs("qcow2", kServed), "qcow2");
  for (const char* claim : {"raw", "iso", "ami", "aki", "ari"})
    EXPECT_EQ(*ServedAs(claim, kServed), "raw");
}

TEST(ServedAs_Test, RefusesEveryOtherFormatEvenWhenListed) {
  std::set<std::string> generous = kServed;
  generous.insert("vmdk");
  for (const char* claim : {"vmdk", "vhd", "QCOW2", "raw ", "", "gpt"}) {
    EXPECT_TRUE(HasReason(ServedAs(claim, generous).status(), reason::kImageFormatNotServed))
        << claim;
  }
  EXPECT_FALSE(ServedAs("qcow2", {"raw"}).ok());
}

Verdict VerdictOf(std::string_view bytes, std::string_view claim) {
  ImageInspector inspector;
  inspector.Feed(bytes);
  return inspector.Finish(claim);
}

TEST(ExplainVerdict_Test, NamesTheMismatch) {
  const std::string qcow2 = std::string("QFI\xfb", 4) + std::string(1020, '\0');
  const Status status = ExplainVerdict(VerdictOf(qcow2, "raw"), "raw");
  EXPECT_TRUE(HasReason(status, reason::kImageFormatMismatch));
  EXPECT_EQ(DetailsOf(status)["detected"], "qcow2");
}

TEST(ExplainVerdict_Test, NamesTheBrokenRule) {
  const std::string qed = std::string("QED\0", 4) + std::string(1020, '\0');
  const Status status = ExplainVerdict(VerdictOf(qed, "qed"), "qed");
  EXPECT_TRUE(HasReason(status, reason::kImageUnsafe));
  EXPECT_EQ(DetailsOf(status)["check"], "banned");
}

TEST(ExplainVerdict_Test, PassesASafeImage) {
  EXPECT_TRUE(ExplainVerdict(VerdictOf(std::string(1024, 'x'), "raw"), "raw").ok());
}

TEST(CacheRecord_Test, RoundTrips) {
  const auto back = ParseCacheRecord(FormatCacheRecord({"qcow2", 1ULL << 44, 459}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->format, "qcow2");
  EXPECT_EQ(back->virtual_size, 1ULL << 44);
  EXPECT_EQ(back->file_size, 459u);
  for (const char* bad : {"", "{}", "[]", "{", R"({"format":1,"virtual_size":1,"file_size":1})",
                          R"({"format":"raw","virtual_size":-1,"file_size":1})"}) {
    EXPECT_FALSE(ParseCacheRecord(bad)) << bad;
  }
}

TEST(QemuImgInfo_Test, SeesReferencesToOtherFiles) {
  EXPECT_FALSE(ParseQemuImgInfo(R"({"format":"raw","virtual-size":512})")->refers_elsewhere);
  EXPECT_TRUE(ParseQemuImgInfo(R"({"format":"qcow2","virtual-size":1,"backing-filename":"x"})")
                  ->refers_elsewhere);
  EXPECT_TRUE(
      ParseQemuImgInfo(
          R"({"format":"qcow2","virtual-size":1,"format-specific":{"data":{"data-file":"x"}}})")
          ->refers_elsewhere);
  EXPECT_FALSE(ParseQemuImgInfo("qemu-img: no"));
}

TEST(ImageInspector_Test, ReadsAnEndlessDescriptorLine) {
  // A descriptor of a million bytes, all one line.
  std::string file(2 << 20, 'x');
  file.replace(0, 4, "KDMV");
  file.replace(28, 16, std::string("\1\0\0\0\0\0\0\0\0\10\0\0\0\0\0\0", 16));
  ImageInspector inspector;
  for (std::size_t at = 0; at < file.size(); at += 977)
    inspector.Feed(std::string_view(file).substr(at, 977));
  EXPECT_TRUE(inspector.Finish("vmdk").Failed(Check::kDescriptor));
}

std::size_t HeapInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(ImageInspector_Test, HoldsUnderOneMebibyte) {
  const std::string text(512, 'x');
  for (const std::string& magic :
       {std::string("vhdxfile"), std::string("KDMV\1\0\0\0", 8), std::string("conectix"),
        std::string("createtype="), std::string("QFI\xfb")}) {
    std::string start = magic + text;
    if (magic == "vhdxfile") start.resize(4096);
    const std::string rest(3 << 20, 'x');
    const std::size_t before = HeapInUse();
    ImageInspector inspector;
    inspector.Feed(start);
    std::size_t most = 0;
    for (std::size_t at = 0; at < rest.size(); at += 3000) {
      inspector.Feed(std::string_view(rest).substr(at, 3000));
      most = std::max(most, HeapInUse() - before);
    }
    EXPECT_LE(most, 1u << 20) << magic;
  }
}

}  // namespace
}  // namespace kilonova::agent::adapters::images
