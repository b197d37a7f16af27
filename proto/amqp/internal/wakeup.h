// SPDX-License-Identifier: Apache-2.0
// Lets one thread wait for a socket and for other threads at once.
#pragma once

#include <chrono>

namespace kilonova::amqp {

class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  // Any thread. Ends the wait under way, or the next one.
  void Notify();
  // Until `fd` (-1: none) can be read, Notify, or `most` has passed.
  void Wait(int fd, std::chrono::milliseconds most);

 private:
  const int event_fd_;
};

}  // namespace kilonova::amqp
