// SPDX-License-Identifier: Apache-2.0
// Time is injected. Wall time is for people and timestamps on the wire; Steady is for leases,
// deadlines and backoff, which must not move when somebody sets the host's clock.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace kilonova {

using WallTime = std::chrono::sys_time<std::chrono::microseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Now() const = 0;
  virtual SteadyTime Steady() const = 0;
};

// The machine's clocks. Stateless; one object serves the whole process.
const Clock& SystemClock();

// "2026-11-22T14:44:28Z", as Nova writes DateTime fields (whole seconds, UTC).
std::string FormatNovaTime(WallTime time);
// "2026-11-22T14:44:28.123456Z".
std::string FormatTime(WallTime time);
// Reads both forms above, with or without fraction and with Z, +00:00 or nothing (UTC).
Expected<WallTime> ParseTime(std::string_view text);

inline std::int64_t ToMicros(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime FromMicros(std::int64_t micros) {
  return WallTime(std::chrono::microseconds(micros));
}

}  // namespace kilonova
