// SPDX-License-Identifier: Apache-2.0
// One value, handed from the thread that makes it to the one that waits for it. Lives on the
// waiter's stack. Standard mutex on purpose: absl's keeps a global map of every mutex that comes
// and goes, and one of these comes and goes with every commit.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace kilonova::scheduler::core {

template <class T>
class Awaited {
 public:
  void Set(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
    ready_.notify_one();  // under the lock: the waiter, and with it this object, may be gone after
  }
  T Get() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return value_.has_value(); });
    return *std::move(value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::optional<T> value_;
};

}  // namespace kilonova::scheduler::core
