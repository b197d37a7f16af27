// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/queue/reading_mark.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

namespace kilonova::agent::adapters::queue {
namespace {

const std::string kPoison(64, 'a');
const std::string kHonest(64, 'b');

class ReadingMarkTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kilonova-mark-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir_ = name;
    file_ = dir_ / "reading";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  // A process that reads an honest message, then dies of the other.
  void DieOf(const std::string& digest) const {
    const pid_t pid = fork();
    if (pid == 0) {
      ReadingMark mark(file_);
      mark.Begin(kHonest);
      mark.End(kHonest);
      mark.Begin(digest);
      raise(SIGKILL);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
  }

  std::filesystem::path dir_, file_;
};

TEST_F(ReadingMarkTest, Death_CountsAgainstTheMessageBeingReadAlone) {
  for (int i = 0; i < 2; ++i) ASSERT_NO_FATAL_FAILURE(DieOf(kPoison));
  ReadingMark mark(file_);
  EXPECT_EQ(mark.Deaths(kPoison), 2);
  EXPECT_EQ(mark.Deaths(kHonest), 0);
  struct stat info = {};
  ASSERT_EQ(stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(ReadingMarkTest, MessageReadToItsEnd_IsForgotten) {
  ASSERT_NO_FATAL_FAILURE(DieOf(kPoison));
  {
    ReadingMark mark(file_);
    mark.Begin(kPoison);
    mark.End(kPoison);
  }
  EXPECT_EQ(ReadingMark(file_).Deaths(kPoison), 0);
  EXPECT_EQ(std::filesystem::file_size(file_), 0u);
}

TEST_F(ReadingMarkTest, TwoPoisons_AreCountedEachForItself) {
  ASSERT_NO_FATAL_FAILURE(DieOf(kPoison));
  ASSERT_NO_FATAL_FAILURE(DieOf(std::string(64, 'c')));
  ASSERT_NO_FATAL_FAILURE(DieOf(kPoison));
  EXPECT_EQ(ReadingMark(file_).Deaths(kPoison), 2);
}

TEST_F(ReadingMarkTest, Nonsense_CountsNothingAndNoFileRemembersNothing) {
  std::ofstream(file_) << "x 9\n\xff\xfe 12 z";
  EXPECT_EQ(ReadingMark(file_).Deaths("x"), 0);
  ReadingMark none("");
  none.Begin(kPoison);
  none.End(kPoison);
  EXPECT_EQ(none.Deaths(kPoison), 0);
}

}  // namespace
}  // namespace kilonova::agent::adapters::queue
