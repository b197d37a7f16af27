// SPDX-License-Identifier: Apache-2.0
// The only way core waits: for a time or until told to stop, whichever comes first.
#pragma once

#include <algorithm>
#include <chrono>
#include <stop_token>

namespace kilonova::agent::core {

// True when the whole time passed, false when `stop` was requested (at once if it already is).
bool Pause(std::chrono::milliseconds time, std::stop_token stop);

// Doubling from `first` to `most`.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most)
      : next_(first), most_(most) {}
  std::chrono::milliseconds Next() {
    const auto now = next_;
    next_ = std::min(next_ * 2, most_);
    return now;
  }

 private:
  std::chrono::milliseconds next_, most_;
};

}  // namespace kilonova::agent::core
