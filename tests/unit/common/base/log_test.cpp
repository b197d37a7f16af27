// SPDX-License-Identifier: Apache-2.0
#include "common/base/log.h"

#include <gtest/gtest.h>

#include <vector>

namespace kilonova {
namespace {

TEST(Log, Line_NeverCarriesControlCharacters) {
  const std::vector<LogField> fields{F("name", "evil\n2026 error forged=1"), F("n", 3), F("e", "")};
  const std::string line = FormatLogLine("built\x1b[31m", fields);
  EXPECT_EQ(line, "built\\x1b[31m name=\"evil\\x0a2026 error forged=1\" n=3 e=\"\"");
}

TEST(Log, Line_IsCutAt4KiB) {
  const std::vector<LogField> fields{F("name", std::string(100000, 'x'))};
  EXPECT_LE(FormatLogLine("m", fields).size(), 4096U);
}

TEST(Log, Sink_GetsWhatPassesTheLevel) {
  std::vector<std::string> lines;
  SetLogSink([&lines](LogLevel, std::string_view m, std::span<const LogField> f) {
    lines.push_back(FormatLogLine(m, f));
  });
  LogDebug("hidden");
  LogInfo("shown", {F("ok", true)});
  SetLogSink({});
  EXPECT_EQ(lines, std::vector<std::string>{"shown ok=true"});
}

}  // namespace
}  // namespace kilonova
