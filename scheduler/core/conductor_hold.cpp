// SPDX-License-Identifier: Apache-2.0
// After a start the hosts come back one by one. A creation that one of them takes is not held up;
// one that none takes yet waits for the others, a bounded time (docs/adr/0014).
#include <absl/time/time.h>

#include <algorithm>

#include "common/base/log.h"
#include "scheduler/core/conductor_impl.h"

namespace kilonova::scheduler::core {

// Hosts come in crowds: those that wait look again once for many of them.
constexpr absl::Duration kCrowd = absl::Milliseconds(50);

bool Conductor::Impl::Gathering() const {
  return !awaited_hosts_.empty() && clock_.Steady() < gather_until_;
}

std::uint64_t Conductor::Impl::Arrivals() {
  absl::MutexLock lock(&mutex_);
  return arrivals_;
}

void Conductor::Impl::Arrived(const std::string& host) {
  ++arrivals_;
  if (awaited_hosts_.erase(host) > 0 && awaited_hosts_.empty()) {
    LogInfo("all known hosts are back");
  }
}

Expected<bool> Conductor::Impl::HoldForHosts(std::uint64_t seen) {
  absl::MutexLock lock(&mutex_);
  if (arrivals_ != seen) return true;
  if (!Gathering()) return false;
  if (held_ >= options_.most_held) {
    return Error(Code::kUnavailable, reason::kHostDown,
                 "hosts are still coming back after a start of the scheduler; try again");
  }
  ++held_;
  const auto came = [this, seen]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return arrivals_ != seen || !Gathering();
  };
  const auto over = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !Gathering(); };
  // The tick looks at the clock; real time bounds it should nobody tick.
  mutex_.AwaitWithTimeout(absl::Condition(&came), absl::FromChrono(options_.most_hold));
  if (arrivals_ != seen) mutex_.AwaitWithTimeout(absl::Condition(&over), kCrowd);
  --held_;
  return arrivals_ != seen;
}

void Conductor::Impl::EndHold() {
  absl::MutexLock lock(&mutex_);
  awaited_hosts_.clear();
}

}  // namespace kilonova::scheduler::core
