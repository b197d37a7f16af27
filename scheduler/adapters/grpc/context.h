// SPDX-License-Identifier: Apache-2.0
// What all services share.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstddef>

#include "common/base/clock.h"
#include "common/runtime/metrics.h"
#include "flavors/extra_specs/validation.h"
#include "scheduler/adapters/grpc/worker_pool.h"
#include "scheduler/core/conductor.h"

namespace kilonova::scheduler::adapters::grpc {

// Counts streams that are open: a stop waits until each has had its last callback.
class OpenStreams {
 public:
  void Add() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    ++open_;
  }
  void Remove() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (--open_ == 0) none_.SignalAll();
  }
  void WaitNone() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    while (open_ > 0) none_.Wait(&mutex_);
  }

 private:
  absl::Mutex mutex_;
  absl::CondVar none_;
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
};

struct ApiContext {
  core::Conductor& conductor;
  const Clock& clock;
  runtime::Metrics* metrics = nullptr;  // may be null
  bool check_host_identity = false;     // clients have certificates
  flavors::extra_specs::Validation extra_specs_validation =
      flavors::extra_specs::Validation::kStrict;

  WorkerPool requests{64, 4096};   // calls of clients
  WorkerPool agents{32, 1 << 20};  // sessions, each waiting at most once, and ConfirmStart
  OpenStreams streams;
  std::atomic<bool> draining{false};
};

}  // namespace kilonova::scheduler::adapters::grpc
