// SPDX-License-Identifier: Apache-2.0
#include "common/base/failpoint.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace kilonova {
namespace {

// The rules are read once a process, so each case runs in a child.
int RunChild(const char* rules, const char* name) {
  const pid_t pid = fork();
  if (pid == 0) {
    setenv("KILONOVA_FAILPOINTS", rules, 1);
    _exit(HitFailpoint(name).ok() ? 0 : 7);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(Failpoint, ActsOnItsNameAlone) {
  EXPECT_EQ(RunChild("a.before=kill", "a.before"), -SIGKILL);
  EXPECT_EQ(RunChild("a.before=kill", "a.after"), 0);
  EXPECT_EQ(RunChild("x=off;a.*=error", "a.after"), 7);
}

TEST(Failpoint, KillAtFile_KillsOnce) {
  std::string marker = "/tmp/kilonova-failpoint-" + std::to_string(getpid());
  const std::string rule = "a=kill@" + marker;
  EXPECT_EQ(RunChild(rule.c_str(), "a"), -SIGKILL);
  EXPECT_EQ(RunChild(rule.c_str(), "a"), 0);
  unlink(marker.c_str());
}

TEST(Failpoint, KillIfFile_KillsOnceWhenArmed) {
  const std::string arm = "/tmp/kilonova-failpoint-arm-" + std::to_string(getpid());
  const std::string rule = "a=killif@" + arm;
  EXPECT_EQ(RunChild(rule.c_str(), "a"), 0);
  std::ofstream(arm) << "";
  EXPECT_EQ(RunChild(rule.c_str(), "a"), -SIGKILL);
  EXPECT_EQ(RunChild(rule.c_str(), "a"), 0);
}

TEST(Failpoint, WhileFile_WaitsUntilItIsGone) {
  const std::string hold = "/tmp/kilonova-failpoint-hold-" + std::to_string(getpid());
  const std::string rule = "a=while@" + hold;
  EXPECT_EQ(RunChild(rule.c_str(), "a"), 0);
  std::ofstream(hold) << "";
  const pid_t pid = fork();
  if (pid == 0) {
    usleep(50'000);
    _exit(unlink(hold.c_str()));
  }
  EXPECT_EQ(RunChild(rule.c_str(), "a"), 0);
  EXPECT_NE(access(hold.c_str(), F_OK), 0);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace kilonova
