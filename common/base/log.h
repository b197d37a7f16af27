// SPDX-License-Identifier: Apache-2.0
// The log front: structured, key=value, no library behind it. The process installs a sink
// (common/runtime); without one, warnings and errors go to stderr so that tests see them.
//
//   LogInfo("instance built", {F("instance", uuid), F("request", id), F("ms", 12)});
//
// Levels: error = an action failed and an operator must act; warn = odd, survived; info = a state
// changed; debug = the rest. Log once, where the thing is handled. Never secrets, never message
// bodies. Values are escaped by the sink; control characters never reach a line.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/status.h"

namespace kilonova {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

struct LogField {
  std::string_view key;
  std::string value;
};

inline LogField F(std::string_view key, std::string_view value) {
  return {key, std::string(value)};
}
inline LogField F(std::string_view key, const char* value) { return {key, value}; }
inline LogField F(std::string_view key, const std::string& value) { return {key, value}; }
inline LogField F(std::string_view key, const Uuid& value) { return {key, value.str()}; }
inline LogField F(std::string_view key, const Status& value) { return {key, Describe(value)}; }
inline LogField F(std::string_view key, bool value) { return {key, value ? "true" : "false"}; }
template <class T>
requires(std::integral<T> || std::floating_point<T>) LogField F(std::string_view key, T value) {
  return {key, std::to_string(value)};
}

using LogSink = std::function<void(LogLevel, std::string_view, std::span<const LogField>)>;

// Replaces the sink for the whole process; call before threads start. An empty sink restores the
// default.
void SetLogSink(LogSink sink);
void SetLogLevel(LogLevel least);
bool LogEnabled(LogLevel level);
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void LogDebug(std::string_view m, std::initializer_list<LogField> f = {}) {
  if (LogEnabled(LogLevel::kDebug)) Log(LogLevel::kDebug, m, f);
}
inline void LogInfo(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kInfo, m, f);
}
inline void LogWarn(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kWarn, m, f);
}
inline void LogError(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kError, m, f);
}

// "message key=value key2="two words"": values quoted when needed, control characters as \xNN, the
// line cut at 4 KiB. What every text sink writes.
std::string FormatLogLine(std::string_view message, std::span<const LogField> fields);

}  // namespace kilonova
