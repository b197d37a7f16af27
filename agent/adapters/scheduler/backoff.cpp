// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/scheduler/backoff.h"

#include <algorithm>

namespace kilonova::agent::adapters::scheduler {

Backoff::Backoff(std::chrono::milliseconds least, std::chrono::milliseconds most)
    : least_(least), most_(most), bound_(least), random_(std::random_device{}()) {}

std::chrono::milliseconds Backoff::Next() {
  std::uniform_int_distribution<std::int64_t> pick(0, bound_.count());
  const std::chrono::milliseconds delay(pick(random_));
  bound_ = std::min(bound_ * 2, most_);
  return delay;
}

}  // namespace kilonova::agent::adapters::scheduler
