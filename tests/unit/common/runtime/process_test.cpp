// SPDX-License-Identifier: Apache-2.0
#include "common/runtime/process.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

namespace kilonova::runtime {
namespace {

TEST(ProcessLock, SecondTakerIsRefused) {
  const testing::TempDir dir;
  const std::string path = dir.File("lock");
  const auto first = ProcessLock::Take(path);
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(ProcessLock::Take(path).ok());
}

TEST(PrivateDirectory, HasItsModeWhateverTheUmask) {
  const testing::TempDir dir;
  const std::filesystem::path path = dir.path() / "private/sub";
  const mode_t old = umask(0);
  EXPECT_TRUE(MakePrivateDirectory(path, 0700).ok());
  umask(old);
  struct stat info {};
  stat(path.c_str(), &info);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
  std::filesystem::create_directory_symlink("/tmp", path / "link");
  EXPECT_FALSE(MakePrivateDirectory(path / "link", 0700).ok());
}

}  // namespace
}  // namespace kilonova::runtime
