// SPDX-License-Identifier: Apache-2.0
// Threads for calls that wait for a disk sync: gRPC's own must never do that. Grows as needed up to
// its size, so that a quiet scheduler stays small.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

namespace kilonova::scheduler::adapters::grpc {

class WorkerPool {
 public:
  WorkerPool(std::size_t most_threads, std::size_t most_waiting);
  ~WorkerPool();  // Stop

  // False when too much waits or the pool is stopped; the task is then dropped. Tasks must not
  // throw.
  bool Submit(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends after all that was submitted has run. Idempotent; not from a task.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run();

  const std::size_t most_threads_, most_waiting_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::scheduler::adapters::grpc
