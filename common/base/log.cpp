// SPDX-License-Identifier: Apache-2.0
#include "common/base/log.h"

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace kilonova {
namespace {

constexpr std::size_t kMaxLine = 4096;

std::atomic<LogLevel> g_least{LogLevel::kInfo};

LogSink& Sink() {
  static LogSink sink;
  return sink;
}

void AppendEscaped(std::string* out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      *out += "\\x";
      *out += kHex[byte >> 4];
      *out += kHex[byte & 0x0F];
    } else {
      if (c == '"' || c == '\\') *out += '\\';
      *out += c;
    }
    if (out->size() > kMaxLine) return;
  }
}

bool NeedsQuotes(std::string_view text) {
  return text.empty() || std::ranges::any_of(text, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte <= 0x20 || byte == 0x7F || c == '"' || c == '=' || c == '\\';
         });
}

}  // namespace

void SetLogSink(LogSink sink) { Sink() = std::move(sink); }
void SetLogLevel(LogLevel least) { g_least.store(least, std::memory_order_relaxed); }
bool LogEnabled(LogLevel level) { return level >= g_least.load(std::memory_order_relaxed); }

std::string FormatLogLine(std::string_view message, std::span<const LogField> fields) {
  std::string line;
  AppendEscaped(&line, message);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    if (NeedsQuotes(field.value)) {
      line += '"';
      AppendEscaped(&line, field.value);
      line += '"';
    } else {
      line += field.value;
    }
    if (line.size() > kMaxLine) break;
  }
  if (line.size() > kMaxLine) {
    line.resize(kMaxLine - 3);
    line += "...";
  }
  return line;
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!LogEnabled(level)) return;
  const std::span<const LogField> view(fields.begin(), fields.size());
  if (Sink()) {
    Sink()(level, message, view);
    return;
  }
  if (level < LogLevel::kWarn) return;
  const std::string line = FormatLogLine(message, view) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace kilonova
