// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "common/base/log.h"
#include "common/base/status.h"

namespace kilonova::runtime {

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  // "text": time level message key=value; "journald": the same with <n> prefixes and no time;
  // "json": one object a line.
  std::string format = "text";
  std::string file;  // "" = stderr
};

Expected<LogLevel> ParseLogLevel(const std::string& text);  // debug info warn error

// Installs the process's log sink. At most 200 lines a second from one call of Log's message text;
// what was held back is counted in a line of its own.
Status InstallLogging(const LogOptions& options);

}  // namespace kilonova::runtime
