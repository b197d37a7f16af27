// SPDX-License-Identifier: Apache-2.0
#include "agent/core/waiting.h"

#include <absl/synchronization/notification.h>
#include <absl/time/time.h>

namespace kilonova::agent::core {

bool Pause(std::chrono::milliseconds time, std::stop_token stop) {
  absl::Notification stopped;
  const std::stop_callback on_stop(stop, [&stopped] { stopped.Notify(); });
  return !stopped.WaitForNotificationWithTimeout(absl::FromChrono(time));
}

}  // namespace kilonova::agent::core
