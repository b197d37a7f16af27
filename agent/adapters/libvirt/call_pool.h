// SPDX-License-Identifier: Apache-2.0
// A few threads that make calls which may hang, and callers that do not wait for ever. A call is
// told which thread runs it, so that each can have a connection of its own.
//
// A call whose deadline passes is left to its thread; its caller goes on with UNAVAILABLE. Threads
// are never added: while all of them hang past their deadlines, new calls fail at once.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/status.h"

namespace kilonova::agent::adapters::libvirt {

class CallPool {
 public:
  CallPool(std::size_t threads, std::size_t most_waiting);
  // Lets idle threads end and waits briefly for busy ones; those that hang are left behind.
  ~CallPool();
  CallPool(const CallPool&) = delete;
  CallPool& operator=(const CallPool&) = delete;

  using Worker = std::size_t;  // number of the thread, from 0

  // `work` must own all it uses: it may run on after Call has returned.
  template <class T>
  Expected<T> Call(std::chrono::milliseconds deadline, std::function<Expected<T>(Worker)> work) {
    auto result = std::make_shared<std::optional<Expected<T>>>();  // shared with a late worker
    const Status ran =
        Run(deadline, [result, work = std::move(work)](Worker worker) { *result = work(worker); });
    if (!ran.ok()) return ran;
    return std::move(**result);
  }

 private:
  struct Job {
    std::function<void(Worker)> work;
    std::chrono::steady_clock::time_point due;
    bool done = false;
    bool abandoned = false;
  };
  // Shared with the threads: one that hangs outlives the pool.
  struct Shared {
    absl::Mutex mutex;
    std::deque<std::shared_ptr<Job>> waiting ABSL_GUARDED_BY(mutex);
    std::vector<std::shared_ptr<Job>> running ABSL_GUARDED_BY(mutex);
    std::size_t alive ABSL_GUARDED_BY(mutex) = 0;
    bool stopping ABSL_GUARDED_BY(mutex) = false;
  };

  Status Run(std::chrono::milliseconds deadline, std::function<void(Worker)> work);
  static void Work(const std::shared_ptr<Shared>& shared, Worker worker);

  const std::size_t threads_count_;
  const std::size_t most_waiting_;
  std::shared_ptr<Shared> shared_;
  std::vector<std::thread> threads_;
};

}  // namespace kilonova::agent::adapters::libvirt
