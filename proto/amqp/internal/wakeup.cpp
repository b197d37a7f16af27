// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/internal/wakeup.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "common/base/log.h"

namespace kilonova::amqp {

Wakeup::Wakeup() : event_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (event_fd_ < 0) {
    // Without it the thread would never hear of its own end; there is nothing to fall back to.
    LogError("eventfd failed");
    std::abort();
  }
}

Wakeup::~Wakeup() { close(event_fd_); }

void Wakeup::Notify() {
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then the waiter is woken anyway.
  [[maybe_unused]] const auto written = write(event_fd_, &one, sizeof one);
}

void Wakeup::Wait(int fd, std::chrono::milliseconds most) {
  pollfd waits[2] = {{event_fd_, POLLIN, 0}, {fd, POLLIN, 0}};
  const auto limit = std::clamp<std::int64_t>(most.count(), 0, 60'000);
  poll(waits, fd < 0 ? 1 : 2, static_cast<int>(limit));
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(event_fd_, &count, sizeof count);
}

}  // namespace kilonova::amqp
