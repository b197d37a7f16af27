// SPDX-License-Identifier: Apache-2.0
// How long the next try waits.
#pragma once

#include <algorithm>
#include <chrono>

namespace kilonova::agent::core {

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
