// SPDX-License-Identifier: Apache-2.0
#include "common/runtime/process.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kilonova::runtime {
namespace {

TEST(ProcessLock, SecondTakerIsRefused) {
  const std::string path = testing::TempDir() + "process_test.lock";
  const auto first = ProcessLock::Take(path);
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(ProcessLock::Take(path).ok());
}

TEST(PrivateDirectory, HasItsModeWhateverTheUmask) {
  const std::filesystem::path path = testing::TempDir() + "private_dir/sub";
  const mode_t old = umask(0);
  EXPECT_TRUE(MakePrivateDirectory(path, 0700).ok());
  umask(old);
  struct stat info {};
  stat(path.c_str(), &info);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
  std::filesystem::create_directory_symlink("/tmp", path / "link");
  EXPECT_FALSE(MakePrivateDirectory(path / "link", 0700).ok());
  std::filesystem::remove_all(path.parent_path());
}

}  // namespace
}  // namespace kilonova::runtime
