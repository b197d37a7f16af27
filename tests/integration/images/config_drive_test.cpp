// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/config_drive.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <iostream>

#include "tests/integration/images/fixture.h"

namespace kilonova::testing {
namespace {
namespace fs = std::filesystem;
using agent::adapters::images::ToolConfigDrive;
using agent::adapters::images::ToolOptions;
using agent::core::ConfigDriveFile;

const std::vector<ConfigDriveFile> kFiles = {
    {"openstack/latest/meta_data.json", R"({"uuid": "x", "name": "caf\u00e9"})"},
    {"openstack/latest/network_data.json", "{}"},
    {"openstack/2018-08-27/meta_data.json", "old"},
    {"openstack/content/0000", std::string("\0\1\2", 3)},
    {"openstack/latest/user_data", std::string(60000, 'u')},
};

class ConfigDriveTest : public ::testing::Test {
 protected:
  ConfigDriveTest() : target(dir.path() / "disk.config") {}
  std::vector<std::string> Left() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir.path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }
  TempDir dir;
  fs::path target;
  ToolConfigDrive writer{ToolOptions{}};
};

TEST_F(ConfigDriveTest, HoldsEveryFileUnderItsOwnName) {
  ASSERT_TRUE(writer.Write(kFiles, target).ok());
  ASSERT_TRUE(writer.Write(kFiles, target).ok()) << "idempotent";
  EXPECT_EQ(Left(), std::vector<std::string>{"disk.config"});
  const std::string iso = ReadFile(target);
  EXPECT_EQ(iso.substr(32768, 6), std::string("\1CD001", 6));
  EXPECT_EQ(iso.substr(32768 + 40, 8), "config-2");
  // The supplementary descriptor with Joliet's escape sequence and the label in UCS-2.
  EXPECT_EQ(iso.substr(34816, 6), std::string("\2CD001", 6));
  EXPECT_EQ(iso.substr(34816 + 88, 2), "%/");
  EXPECT_EQ(iso.substr(34816 + 40, 4), std::string("\0c\0o", 4));
  const fs::path out = dir.path() / "out";
  MustRun("/usr/bin/xorriso",
          {"-no_rc", "-osirrox", "on", "-indev", target.string(), "-extract", "/", out.string()});
  for (const ConfigDriveFile& file : kFiles) {
    EXPECT_EQ(ReadFile(out / file.path), file.content) << file.path;
  }
  struct stat info = {};
  ASSERT_EQ(stat(target.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(ConfigDriveTest, VfatHoldsTheSame) {
  ToolConfigDrive vfat(ToolOptions{}, "vfat");
  ASSERT_TRUE(vfat.Write(kFiles, target).ok());
  ASSERT_TRUE(vfat.Write(kFiles, target).ok()) << "idempotent";
  EXPECT_EQ(Left(), std::vector<std::string>{"disk.config"});
  EXPECT_EQ(fs::file_size(target), 64u << 20);  // Nova's
  const std::string image = ReadFile(target);
  EXPECT_NE(image.substr(0, 512).find("config-2"), std::string::npos);
  const fs::path out = dir.path() / "out";
  fs::create_directory(out);
  MustRun("/usr/bin/mcopy", {"-s", "-n", "-i", target.string(), "::openstack", out.string()});
  for (const ConfigDriveFile& file : kFiles) {
    EXPECT_EQ(ReadFile(out / file.path), file.content) << file.path;
  }
}

TEST_F(ConfigDriveTest, RefusesPathsThatLeaveIt) {
  for (const char* path : {"../x", "/etc/x", "a/../../x", "", "a//../b", "."}) {
    const Status status = writer.Write({{path, "x"}}, target);
    EXPECT_TRUE(HasReason(status, reason::kConfigDriveFailed)) << path << Describe(status);
  }
  EXPECT_TRUE(Left().empty());
}

TEST_F(ConfigDriveTest, AToolThatFailsLeavesNothingAndKeepsTheOldOne) {
  ASSERT_TRUE(writer.Write(kFiles, target).ok());
  const std::string before = ReadFile(target);
  ToolOptions broken;
  broken.xorriso = "/bin/false";
  ToolConfigDrive bad(broken);
  EXPECT_TRUE(HasReason(bad.Write(kFiles, target), reason::kConfigDriveFailed));
  broken.xorriso = "/nonexistent";
  EXPECT_TRUE(HasReason(ToolConfigDrive(broken).Write(kFiles, target), reason::kConfigDriveFailed));
  EXPECT_EQ(Left(), std::vector<std::string>{"disk.config"});
  EXPECT_EQ(ReadFile(target), before);
}

TEST_F(ConfigDriveTest, AFullDiskIsSaid) {
  const fs::path small = dir.path() / "small";
  fs::create_directory(small);
  if (mount("none", small.c_str(), "tmpfs", 0, "size=256k") != 0) {
    std::cerr << "SKIPPED LOUDLY: may not mount a tmpfs here, the full disk is not tested\n";
    GTEST_SKIP() << "mount is not permitted";
  }
  const Status while_collecting = writer.Write({{"big", std::string(1 << 20, 'x')}}, small / "iso");
  const Status while_writing = writer.Write({{"big", std::string(200 << 10, 'x')}}, small / "iso");
  const bool empty = fs::is_empty(small);
  umount2(small.c_str(), MNT_DETACH);
  EXPECT_TRUE(HasReason(while_collecting, reason::kHostDiskFull)) << Describe(while_collecting);
  EXPECT_TRUE(HasReason(while_writing, reason::kHostDiskFull)) << Describe(while_writing);
  EXPECT_TRUE(empty);
}

}  // namespace
}  // namespace kilonova::testing
