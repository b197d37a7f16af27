// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "agent/adapters/images/qemu_img.h"
#include "tests/integration/images/fixture.h"

namespace kilonova::testing {
namespace {
namespace fs = std::filesystem;
using agent::adapters::images::OverlayPlan;
using agent::adapters::images::ReadOverlay;
using agent::core::CachedImage;

constexpr std::uint64_t kMiB = 1 << 20;

class DisksTest : public ImageStoreTest {
 protected:
  DisksTest() : disk(dir.path() / "instance/disk") {
    fs::create_directory(disk.parent_path());
    const fs::path file = dir.path() / "base.raw";
    WriteFile(file, std::string(kMiB, 'b'));
    base = Ensure(Source(file, "raw")).value();
  }
  CachedImage base;
  fs::path disk;
};

TEST_F(DisksTest, AnOverlayGrowsARawBaseAndNamesItsFormat) {
  ASSERT_TRUE(store->CreateOverlay(base, disk, 5 * kMiB).ok());
  EXPECT_EQ(ReadOverlay(disk), (OverlayPlan{base.path, "raw", 5 * kMiB}));
  const std::string info = MustRun("/usr/bin/qemu-img", {"info", "--output=json", disk.string()});
  EXPECT_NE(info.find(R"("backing-filename-format": "raw")"), std::string::npos) << info;
  EXPECT_NE(info.find(R"("virtual-size": 5242880)"), std::string::npos) << info;
  // The guest sees the base's bytes, then zeros.
  const fs::path flat = dir.path() / "flat";
  MustRun("/usr/bin/qemu-img",
          {"convert", "-f", "qcow2", "-O", "raw", disk.string(), flat.string()});
  EXPECT_EQ(ReadFile(flat), std::string(kMiB, 'b') + std::string(4 * kMiB, '\0'));
  struct stat file = {};
  ASSERT_EQ(stat(disk.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600u);
}

TEST_F(DisksTest, SizeZeroIsTheBasesOwnAndLessIsRefused) {
  ASSERT_TRUE(store->CreateOverlay(base, disk, 0).ok());
  EXPECT_EQ(ReadOverlay(disk)->size, kMiB);
  const Status status = store->CreateOverlay(base, disk, kMiB - 512);
  EXPECT_TRUE(HasReason(status, reason::kFlavorDiskTooSmall)) << Describe(status);
  EXPECT_EQ(ReadOverlay(disk)->size, kMiB);
}

TEST_F(DisksTest, TheSameOverlayIsKeptAndAnyOtherReplaced) {
  ASSERT_TRUE(store->CreateOverlay(base, disk, 2 * kMiB).ok());
  const int starts = QemuImgStarts();
  struct stat before = {};
  struct stat after = {};
  ASSERT_EQ(stat(disk.c_str(), &before), 0);
  ASSERT_TRUE(store->CreateOverlay(base, disk, 2 * kMiB).ok());
  ASSERT_EQ(stat(disk.c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(QemuImgStarts(), starts);
  WriteFile(disk.string() + ".tmp", "what a crash left");
  WriteFile(disk, ReadFile(disk).substr(0, 100));
  ASSERT_TRUE(store->CreateOverlay(base, disk, 3 * kMiB).ok());
  EXPECT_EQ(ReadOverlay(disk)->size, 3 * kMiB);
  EXPECT_FALSE(fs::exists(disk.string() + ".tmp"));
}

TEST_F(DisksTest, AnOddRawBaseIsRoundedUpToASector) {
  const fs::path file = dir.path() / "odd.raw";
  WriteFile(file, std::string(1000, 'o'));
  const CachedImage odd = Ensure(Source(file, "raw")).value();
  ASSERT_TRUE(store->CreateOverlay(odd, disk, 0).ok());
  EXPECT_EQ(ReadOverlay(disk)->size, 1024u);
}

TEST_F(DisksTest, AToolThatFailsLeavesNothing) {
  options.tools.qemu_img = "/bin/false";
  Reopen();
  EXPECT_FALSE(store->CreateOverlay(base, disk, 0).ok());
  EXPECT_TRUE(fs::is_empty(disk.parent_path()));
}

TEST_F(DisksTest, AKernelIsAPrivateCopy) {
  const fs::path kernel = dir.path() / "instance/kernel";
  WriteFile(kernel.string() + ".tmp", "what a crash left");
  ASSERT_TRUE(store->PlaceFile(base, kernel).ok());
  EXPECT_EQ(ReadFile(kernel), ReadFile(base.path));
  struct stat copy = {};
  struct stat cached = {};
  ASSERT_EQ(stat(kernel.c_str(), &copy), 0);
  ASSERT_EQ(stat(base.path.c_str(), &cached), 0);
  EXPECT_NE(copy.st_ino, cached.st_ino);
  EXPECT_EQ(copy.st_mode & 07777, 0644u);
  ASSERT_TRUE(store->PlaceFile(base, kernel).ok());
  struct stat again = {};
  ASSERT_EQ(stat(kernel.c_str(), &again), 0);
  EXPECT_EQ(again.st_ino, copy.st_ino);
  WriteFile(kernel, "half");
  ASSERT_TRUE(store->PlaceFile(base, kernel).ok());
  EXPECT_EQ(ReadFile(kernel), ReadFile(base.path));
}

}  // namespace
}  // namespace kilonova::testing
