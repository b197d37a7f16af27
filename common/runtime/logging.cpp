// SPDX-License-Identifier: Apache-2.0
#include "common/runtime/logging.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <map>
#include <memory>

#include "common/base/clock.h"

namespace kilonova::runtime {
namespace {

constexpr int kLinesPerSecond = 200;

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

// syslog's numbers, as journald reads them from a line's prefix.
int Priority(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return 7;
    case LogLevel::kInfo:
      return 6;
    case LogLevel::kWarn:
      return 4;
    case LogLevel::kError:
      return 3;
  }
  return 3;
}

void AppendJson(std::string* out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  *out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      *out += "\\u00";
      *out += kHex[byte >> 4];
      *out += kHex[byte & 0x0F];
    } else {
      *out += c;
    }
  }
  *out += '"';
}

std::string JsonLine(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  std::string line = "{\"time\":";
  AppendJson(&line, FormatTime(SystemClock().Now()));
  line += ",\"level\":";
  AppendJson(&line, LevelName(level));
  line += ",\"message\":";
  AppendJson(&line, message);
  for (const LogField& field : fields) {
    line += ',';
    AppendJson(&line, field.key);
    line += ':';
    AppendJson(&line, std::string_view(field.value).substr(0, 4096));
  }
  return line + "}";
}

// A message that repeats in a tight loop must not fill the disk.
class RateLimit {
 public:
  // Lines held back since the last one let through, or -1 to hold this one back.
  int Admit(std::string_view message) ABSL_LOCKS_EXCLUDED(mutex_) {
    const auto second =
        std::chrono::duration_cast<std::chrono::seconds>(SystemClock().Steady().time_since_epoch())
            .count();
    const absl::MutexLock lock(&mutex_);
    Count& count = counts_[std::string(message.substr(0, 128))];
    int held = 0;
    if (count.second != second) {
      held = count.seen > kLinesPerSecond ? count.seen - kLinesPerSecond : 0;
      count = {second, 0};
    }
    if (counts_.size() > 4096)
      counts_.clear();
    else if (++count.seen > kLinesPerSecond)
      return -1;
    return held;
  }

 private:
  struct Count {
    std::int64_t second = 0;
    int seen = 0;
  };
  absl::Mutex mutex_;
  std::map<std::string, Count, std::less<>> counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

Expected<LogLevel> ParseLogLevel(const std::string& text) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    if (text == LevelName(level)) return level;
  }
  return Error(Code::kInvalidArgument, reason::kConfigInvalid,
               "log level must be one of debug info warn error");
}

Status InstallLogging(const LogOptions& options) {
  std::shared_ptr<spdlog::logger> logger;  // spdlog's own ownership
  try {
    spdlog::sink_ptr sink;
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    }
    logger = std::make_shared<spdlog::logger>("kilonova", sink);
  } catch (const spdlog::spdlog_ex& error) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 std::string("cannot open the log: ") + error.what());
  }
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  logger->set_pattern("%v");
  SetLogLevel(options.level);
  // Shared by every copy of the sink function.
  auto limit = std::make_shared<RateLimit>();
  SetLogSink([logger, limit, format = options.format](LogLevel level, std::string_view message,
                                                      std::span<const LogField> fields) {
    const int held = limit->Admit(message);
    if (held < 0) return;
    std::string line;
    if (format == "json") {
      line = JsonLine(level, message, fields);
    } else if (format == "journald") {
      line = "<" + std::to_string(Priority(level)) + ">" + FormatLogLine(message, fields);
    } else {
      line = FormatTime(SystemClock().Now()) + " " + std::string(LevelName(level)) + " " +
             FormatLogLine(message, fields);
    }
    if (held > 0) line += " held_back=" + std::to_string(held);
    logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  });
  return OkStatus();
}

}  // namespace kilonova::runtime
