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

TEST_F(DisksTest, BlankDisksHaveTheirFileSystem) {
  const fs::path target = disk.parent_path() / "disk.eph0";
  const agent::core::BlankDisk ephemeral{"disk.eph0", 64 * kMiB, "ext4", "ephemeral0"};
  ASSERT_TRUE(store->CreateBlank(ephemeral, target).ok());
  const fs::path flat = dir.path() / "flat";
  MustRun("/usr/bin/qemu-img",
          {"convert", "-f", "qcow2", "-O", "raw", target.string(), flat.string()});
  EXPECT_EQ(fs::file_size(flat), 64 * kMiB);
  EXPECT_EQ(ReadFile(flat).substr(0x438, 2), "\x53\xef");     // ext4's magic
  EXPECT_EQ(ReadFile(flat).substr(0x478, 10), "ephemeral0");  // and label
  EXPECT_EQ(ReadOverlay(target), std::nullopt) << "stands on nothing";
  struct stat before = {};
  struct stat after = {};
  ASSERT_EQ(stat(target.c_str(), &before), 0);
  EXPECT_EQ(before.st_mode & 07777, 0600u);
  ASSERT_TRUE(store->CreateBlank(ephemeral, target).ok());
  ASSERT_EQ(stat(target.c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  const fs::path swap = disk.parent_path() / "disk.swap";
  ASSERT_TRUE(store->CreateBlank({"disk.swap", 16 * kMiB, "swap", ""}, swap).ok());
  MustRun("/usr/bin/qemu-img",
          {"convert", "-f", "qcow2", "-O", "raw", swap.string(), flat.string()});
  EXPECT_EQ(ReadFile(flat).substr(4086, 10), "SWAPSPACE2");
  ASSERT_TRUE(store->CreateBlank({"disk.v", 64 * kMiB, "vfat", "ephemeral0"}, disk).ok());
}

TEST_F(DisksTest, BlankDisksThatCannotBeLeaveNothing) {
  const fs::path target = disk.parent_path() / "disk.eph0";
  for (const agent::core::BlankDisk& bad : {agent::core::BlankDisk{"d", 0, "ext4", ""},
                                            {"d", kMiB, "../x", ""},
                                            {"d", kMiB, "ext4", "-x;y"},
                                            {"d", 512, "ext4", ""}}) {
    EXPECT_FALSE(store->CreateBlank(bad, target).ok()) << bad.filesystem;
  }
  EXPECT_TRUE(fs::is_empty(disk.parent_path()));
}

TEST_F(DisksTest, RawImagesTypeCopies) {
  options.disks.images_type = "raw";
  options.disks.preallocate_images = true;
  Reopen();
  ASSERT_TRUE(store->CreateOverlay(base, disk, 5 * kMiB).ok());
  EXPECT_EQ(ReadFile(disk), std::string(kMiB, 'b') + std::string(4 * kMiB, '\0'));
  struct stat file = {};
  ASSERT_EQ(stat(disk.c_str(), &file), 0);
  EXPECT_GE(file.st_blocks * 512, static_cast<blkcnt_t>(5 * kMiB)) << "taken at once";
  ASSERT_TRUE(store->CreateOverlay(base, disk, 5 * kMiB).ok());
  struct stat again = {};
  ASSERT_EQ(stat(disk.c_str(), &again), 0);
  EXPECT_EQ(file.st_ino, again.st_ino);
}

TEST_F(DisksTest, ForceRawImagesKeepsRawBases) {
  const fs::path file = dir.path() / "base.qcow2";
  MustRun("/usr/bin/qemu-img", {"create", "-q", "-f", "qcow2", file.string(), "3M"});
  options.disks.force_raw_images = true;
  Reopen();
  const auto image = Ensure(Source(file, "qcow2"));
  ASSERT_TRUE(image.ok()) << Describe(image.status());
  EXPECT_EQ(image->format, "raw");
  EXPECT_EQ(image->virtual_size, 3 * kMiB);
  EXPECT_EQ(fs::file_size(image->path), 3 * kMiB);
  const int starts = QemuImgStarts();
  EXPECT_EQ(Ensure(Source(file, "qcow2"))->path, image->path);
  EXPECT_EQ(QemuImgStarts(), starts) << "converted once";
  ASSERT_TRUE(store->CreateOverlay(*image, disk, 0).ok());
  EXPECT_EQ(ReadOverlay(disk)->base_format, "raw");
}

}  // namespace
}  // namespace kilonova::testing
