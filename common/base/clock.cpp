// SPDX-License-Identifier: Apache-2.0
#include "common/base/clock.h"

#include <cctype>
#include <charconv>
#include <cstdio>

namespace kilonova {
namespace {

class MachineClock final : public Clock {
 public:
  WallTime Now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
  SteadyTime Steady() const override { return std::chrono::steady_clock::now(); }
};

std::string FormatSeconds(WallTime time, std::chrono::microseconds* rest) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(time - days);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  *rest = clock.subseconds();
  return text;
}

bool Number(std::string_view text, std::size_t at, std::size_t width, int* out) {
  if (at + width > text.size()) return false;
  const char* begin = text.data() + at;
  for (std::size_t i = 0; i < width; ++i) {
    if (std::isdigit(static_cast<unsigned char>(begin[i])) == 0) return false;
  }
  return std::from_chars(begin, begin + width, *out).ec == std::errc{};
}

Status BadTime() {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument,
               "not a UTC time of the form YYYY-MM-DDTHH:MM:SS[.ffffff]Z");
}

}  // namespace

const Clock& SystemClock() {
  static const MachineClock clock;
  return clock;
}

std::string FormatNovaTime(WallTime time) {
  std::chrono::microseconds rest{};
  return FormatSeconds(time, &rest) + "Z";
}

std::string FormatTime(WallTime time) {
  std::chrono::microseconds rest{};
  std::string text = FormatSeconds(time, &rest);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06dZ", static_cast<int>(rest.count()));
  return text + fraction;
}

Expected<WallTime> ParseTime(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool shape = text.size() >= 19 && Number(text, 0, 4, &year) && text[4] == '-' &&
                     Number(text, 5, 2, &month) && text[7] == '-' && Number(text, 8, 2, &day) &&
                     (text[10] == 'T' || text[10] == ' ') && Number(text, 11, 2, &hour) &&
                     text[13] == ':' && Number(text, 14, 2, &minute) && text[16] == ':' &&
                     Number(text, 17, 2, &second);
  if (!shape) return BadTime();
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return BadTime();
  std::string_view rest = text.substr(19);
  std::int64_t micros = 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    std::int64_t scale = 100000;
    std::size_t digits = 0;
    while (!rest.empty() && std::isdigit(static_cast<unsigned char>(rest.front())) != 0) {
      micros += (rest.front() - '0') * scale;
      scale /= 10;
      rest.remove_prefix(1);
      ++digits;
    }
    if (digits == 0) return BadTime();
  }
  if (!rest.empty() && rest != "Z" && rest != "+00:00") return BadTime();
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) +
         std::chrono::microseconds(micros);
}

}  // namespace kilonova
