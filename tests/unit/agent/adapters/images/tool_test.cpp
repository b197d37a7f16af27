// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/tool.h"

#include <gtest/gtest.h>

#include <thread>

namespace kilonova::agent::adapters::images {
namespace {

ToolRun Shell(const std::string& script) {
  ToolRun run;
  run.program = "/bin/sh";
  run.arguments = {"-c", script};
  return run;
}

TEST(RunTool_Test, GivesOutputDiagnosticsAndExitCode) {
  const auto result = RunTool(Shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "out\n");
  EXPECT_EQ(result->diagnostics, "err\n");
  EXPECT_EQ(result->exit_code, 3);
}

TEST(RunTool_Test, ChildSeesNoEnvironmentAndNoOtherDescriptors) {
  setenv("KILONOVA_SECRET", "leaked", 1);
  const auto result = RunTool(Shell("echo $KILONOVA_SECRET; ls /proc/self/fd | tr '\\n' ' '"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, "\n0 1 2 3 ");  // 3 is ls reading the directory
}

TEST(RunTool_Test, ArgumentsReachTheProgramUntouched) {
  ToolRun run;
  run.program = "/usr/bin/printf";
  run.arguments = {"%s|", "a b", "$(id)", "'; rm -rf /", ""};
  EXPECT_EQ(RunTool(run)->output, "a b|$(id)|'; rm -rf /||");
}

TEST(RunTool_Test, KillsWhatOutlivesTheWallClock) {
  ToolRun run = Shell("while :; do :; done");
  run.wall_clock = std::chrono::milliseconds(200);
  EXPECT_EQ(RunTool(run).status().code(), Code::kDeadlineExceeded);
}

TEST(RunTool_Test, KillsWhenToldToStop) {
  std::stop_source stop;
  const std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(RunTool(Shell("while :; do :; done"), stop.get_token()).status().code(),
            Code::kCancelled);
}

TEST(RunTool_Test, BoundsOutput) {
  const auto result = RunTool(Shell("head -c 5000000 /dev/zero; head -c 100000 /dev/zero >&2"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output.size(), 1u << 20);
  EXPECT_EQ(result->diagnostics.size(), 4096u);
}

TEST(RunTool_Test, LimitsMemory) {
  ToolRun run;
  run.program = "/usr/bin/python3";
  run.arguments = {"-c", "x = bytearray(512 << 20)"};
  run.address_space = std::uint64_t{256} << 20;
  EXPECT_NE(RunTool(run)->exit_code, 0);
}

TEST(RunTool_Test, SaysWhenThereIsNoSuchProgram) {
  ToolRun run;
  run.program = "/nonexistent/tool";
  EXPECT_TRUE(HasReason(RunTool(run).status(), reason::kInternal));
}

}  // namespace
}  // namespace kilonova::agent::adapters::images
