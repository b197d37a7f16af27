// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <random>

namespace kilonova::agent::adapters::scheduler {

// Full jitter: anything from nothing up to a bound that doubles with each failure. A thousand
// agents that lost the same scheduler come back spread out.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds least, std::chrono::milliseconds most);
  std::chrono::milliseconds Next();
  void Reset() { bound_ = least_; }

 private:
  const std::chrono::milliseconds least_, most_;
  std::chrono::milliseconds bound_;
  std::mt19937_64 random_;
};

}  // namespace kilonova::agent::adapters::scheduler
