// SPDX-License-Identifier: Apache-2.0
#include "agent/core/operation_queue.h"

#include <absl/time/time.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

bool GivesWayToDelete(JobKind kind) { return kind == JobKind::kBuild || kind == JobKind::kAction; }

}  // namespace

OperationQueue::OperationQueue(std::size_t workers) : workers_(std::max<std::size_t>(workers, 1)) {}

OperationQueue::~OperationQueue() {
  HurryDrain();
  Drain(std::chrono::steady_clock::now());
}

void OperationQueue::Start() {
  for (std::size_t i = 0; i < workers_ + 1; ++i) threads_.emplace_back([this] { Work(); });
}

void OperationQueue::Push(Job job) {
  const absl::MutexLock lock(&mutex_);
  if (draining_) return;  // the journal has it
  Line& line = lines_[job.instance];
  if (job.kind == JobKind::kObserve && !line.waiting.empty()) return;
  const bool idle = line.waiting.empty() && line.running == nullptr;
  const Uuid instance = job.instance;
  const bool slow = job.slow;
  line.waiting.push_back({std::move(job)});
  if (idle) (slow ? ready_slow_ : ready_quick_).push_back(instance);
}

void OperationQueue::CancelForDelete(const Uuid& instance, std::int64_t generation) {
  const absl::MutexLock lock(&mutex_);
  const auto it = lines_.find(instance);
  if (it == lines_.end()) return;
  Line& line = it->second;
  if (line.running != nullptr && GivesWayToDelete(line.running_kind) &&
      line.running_generation <= generation) {
    line.running->Request(StopKind::kDelete);
  }
  for (Entry& entry : line.waiting) {
    if (GivesWayToDelete(entry.job.kind) && entry.job.generation <= generation) {
      entry.cancel->Request(StopKind::kDelete);
    }
  }
}

bool OperationQueue::Busy(const Uuid& instance) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = lines_.find(instance);
  if (it == lines_.end()) return false;
  const Line& line = it->second;
  return (line.running != nullptr && line.running_kind != JobKind::kObserve) ||
         std::ranges::any_of(line.waiting,
                             [](const Entry& e) { return e.job.kind != JobKind::kObserve; });
}

bool OperationQueue::ObserveQueued(const Uuid& instance) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = lines_.find(instance);
  return it != lines_.end() && std::ranges::any_of(it->second.waiting, [](const Entry& e) {
           return e.job.kind == JobKind::kObserve;
         });
}

std::size_t OperationQueue::Depth() const {
  const absl::MutexLock lock(&mutex_);
  std::size_t depth = running_;
  for (const auto& [instance, line] : lines_) depth += line.waiting.size();
  return depth;
}

bool OperationQueue::CanTake() const {
  return draining_ || !ready_quick_.empty() || (!ready_slow_.empty() && running_slow_ < workers_);
}

bool OperationQueue::Take(Entry& entry) {
  if (draining_) return false;
  const bool quick = !ready_quick_.empty();
  std::deque<Uuid>& ready = quick ? ready_quick_ : ready_slow_;
  Line& line = lines_[ready.front()];
  ready.pop_front();
  entry = std::move(line.waiting.front());
  line.waiting.pop_front();
  line.running = entry.cancel;
  line.running_kind = entry.job.kind;
  line.running_generation = entry.job.generation;
  ++running_;
  if (entry.job.slow) ++running_slow_;
  return true;
}

void OperationQueue::Work() {
  while (true) {
    Entry entry;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &OperationQueue::CanTake));
      if (!Take(entry)) return;
    }
    try {
      entry.job.run(*entry.cancel);
    } catch (const std::exception& e) {
      LogError("an operation ended by an exception",
               {F("instance", entry.job.instance), F("what", e.what())});
    }
    entry.job.run = nullptr;  // what it holds goes before the instance counts as idle
    const absl::MutexLock lock(&mutex_);
    --running_;
    if (entry.job.slow) --running_slow_;
    const auto it = lines_.find(entry.job.instance);
    it->second.running = nullptr;
    if (it->second.waiting.empty()) {
      lines_.erase(it);
    } else {
      (it->second.waiting.front().job.slow ? ready_slow_ : ready_quick_).push_back(it->first);
    }
  }
}

void OperationQueue::CancelRunning() {
  for (auto& [instance, line] : lines_) {
    if (line.running != nullptr) line.running->Request(StopKind::kDrain);
  }
}

bool OperationQueue::Drain(std::chrono::steady_clock::time_point deadline) {
  bool in_time = true;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    ready_slow_.clear();
    ready_quick_.clear();
    for (auto it = lines_.begin(); it != lines_.end();) {
      it->second.waiting.clear();
      it = it->second.running == nullptr ? lines_.erase(it) : std::next(it);
    }
    const auto left = std::max(deadline - std::chrono::steady_clock::now(),
                               std::chrono::steady_clock::duration::zero());
    const auto done = [this]()
                          ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return running_ == 0 || hurried_; };
    mutex_.AwaitWithTimeout(absl::Condition(&done), absl::FromChrono(left));
    if (running_ != 0) {
      in_time = false;
      CancelRunning();
    }
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
  return in_time;
}

void OperationQueue::HurryDrain() {
  const absl::MutexLock lock(&mutex_);
  hurried_ = true;
  if (draining_) CancelRunning();
}

void OperationQueue::WaitIdle() {
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return running_ == 0 && ready_quick_.empty() && ready_slow_.empty();
  };
  mutex_.Await(absl::Condition(&idle));
}

}  // namespace kilonova::agent::core
