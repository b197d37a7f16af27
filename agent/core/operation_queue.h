// SPDX-License-Identifier: Apache-2.0
// The worker pool and the lock of each instance in one: jobs of one instance run one at a time, in
// the order they came; jobs of different instances run side by side.
//
// Jobs that may take long (builds, clean shutdowns) occupy at most `workers` threads; one more
// thread is kept for the quick ones, so that a delete never waits behind a slow download elsewhere.
// A job that only waits parks itself (Cancellation::Park): it occupies no thread, keeps its place
// at the head of its instance's line, and is run again when its time has come, when it is told to
// stop, or when the queue drains.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/ids.h"

namespace kilonova::agent::core {

enum class StopKind {
  kNone,
  kDelete,  // the instance is to go: end here, the delete behind removes everything
  kDrain,   // the agent stops: end here, the journal goes on after the restart
};

// Told to a job that it should end before its time.
class Cancellation {
 public:
  void Request(StopKind kind) {
    StopKind none = StopKind::kNone;
    kind_.compare_exchange_strong(none, kind);
    source_.request_stop();
  }
  std::stop_token token() const { return source_.get_token(); }
  StopKind kind() const { return kind_.load(); }

  // By the job itself, within its run: it has not ended, and is to be run again after `time`.
  void Park(std::chrono::milliseconds time) { park_ = time; }
  bool parked() const { return park_.has_value(); }
  std::optional<std::chrono::milliseconds> TakePark() { return std::exchange(park_, std::nullopt); }

 private:
  std::stop_source source_;
  std::atomic<StopKind> kind_{StopKind::kNone};
  std::optional<std::chrono::milliseconds> park_;  // the running thread's alone
};

enum class JobKind { kBuild, kAction, kDelete, kObserve };

struct Job {
  Uuid instance;
  JobKind kind = JobKind::kAction;
  bool slow = false;
  std::int64_t generation = 0;  // what a delete of a generation may cancel
  // It may be what ended the agent before: of such jobs only one runs at a time, so that the next
  // death is the right one's. They count as slow.
  bool suspect = false;
  std::function<void(Cancellation&)> run;
};

class OperationQueue {
 public:
  explicit OperationQueue(std::size_t workers);
  ~OperationQueue();  // as Drain with no time at all

  void Start();
  void Push(Job job);
  // Cancels what is queued and running for `instance` up to `generation`, deletes and observations
  // aside. Jobs still run, to their own early end.
  void CancelForDelete(const Uuid& instance, std::int64_t generation);
  // True while a job other than an observation is queued or running for it.
  bool Busy(const Uuid& instance) const;
  // True while an observation waits for it (a further one would see the same).
  bool ObserveQueued(const Uuid& instance) const;
  std::size_t Depth() const;  // queued and running

  // Forgets what is queued, tells what is parked to end (kDrain), waits for what runs until
  // `deadline`, then cancels it (kDrain) and waits for its end. False when something that had
  // begun did not come to its end.
  bool Drain(std::chrono::steady_clock::time_point deadline);
  // Cancels everything that runs, now; Drain returns soon after.
  void HurryDrain();
  // Blocks until nothing is queued or running; for tests.
  void WaitIdle();

 private:
  struct Entry {
    Job job;
    // Shared with CancelForDelete and Drain, which may reach it while the worker ends the job.
    std::shared_ptr<Cancellation> cancel = std::make_shared<Cancellation>();
    bool begun = false;  // it ran and has not ended
  };
  using Parked = std::multimap<std::chrono::steady_clock::time_point, Uuid>;
  struct Line {
    std::deque<Entry> waiting;
    std::shared_ptr<Cancellation> running;  // null: nothing runs
    JobKind running_kind = JobKind::kObserve;
    std::int64_t running_generation = 0;
    std::optional<Parked::iterator> parked;  // the head of `waiting` is parked
  };

  void Work();
  bool CanTake() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void AwaitWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Take(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutBack(Entry entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The head of the line may run now.
  void MakeReady(const Uuid& instance, Line& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CancelRunning() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::size_t workers_;
  mutable absl::Mutex mutex_;
  std::map<Uuid, Line> lines_ ABSL_GUARDED_BY(mutex_);
  // Instances whose head job may run now, oldest first, by what the head is.
  std::deque<Uuid> ready_slow_ ABSL_GUARDED_BY(mutex_);
  std::deque<Uuid> ready_quick_ ABSL_GUARDED_BY(mutex_);
  std::deque<Uuid> ready_suspect_ ABSL_GUARDED_BY(mutex_);
  Parked parked_ ABSL_GUARDED_BY(mutex_);
  std::size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t running_slow_ ABSL_GUARDED_BY(mutex_) = 0;
  bool suspect_runs_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool hurried_ ABSL_GUARDED_BY(mutex_) = false;
  // While draining something that had begun was told to end before its end.
  bool cut_short_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace kilonova::agent::core
