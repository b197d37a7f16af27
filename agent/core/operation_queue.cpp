// SPDX-License-Identifier: Apache-2.0
#include "agent/core/operation_queue.h"

#include <absl/time/time.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

constexpr auto kNever = std::chrono::steady_clock::time_point::max();

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
  job.slow = job.slow || job.suspect;
  const Uuid instance = job.instance;
  Line& line = lines_[instance];
  const std::size_t parked = line.parked ? 1 : 0;
  if (job.kind == JobKind::kObserve && line.waiting.size() > parked) return;
  const bool idle = line.waiting.empty() && line.running == nullptr;
  line.waiting.push_back({std::move(job)});
  if (idle) MakeReady(instance, line);
}

void OperationQueue::MakeReady(const Uuid& instance, Line& line) {
  if (line.parked) {
    parked_.erase(*line.parked);
    line.parked.reset();
  }
  const Job& head = line.waiting.front().job;
  (head.suspect ? ready_suspect_ : head.slow ? ready_slow_ : ready_quick_).push_back(instance);
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
  if (line.parked && line.waiting.front().cancel->kind() != StopKind::kNone) {
    MakeReady(instance, line);
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
  if (draining_ || !ready_quick_.empty()) return true;
  if (running_slow_ >= workers_) return false;
  return !ready_slow_.empty() || (!ready_suspect_.empty() && !suspect_runs_);
}

void OperationQueue::AwaitWork() {
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    while (!parked_.empty() && parked_.begin()->first <= now) {
      const Uuid instance = parked_.begin()->second;
      MakeReady(instance, lines_[instance]);
    }
    if (CanTake()) return;
    const auto next = parked_.empty() ? kNever : parked_.begin()->first;
    const auto something = [this, next]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return CanTake() || (parked_.empty() ? kNever : parked_.begin()->first) != next;
    };
    const absl::Condition condition(&something);
    if (next == kNever) {
      mutex_.Await(condition);
    } else {
      mutex_.AwaitWithTimeout(condition, absl::FromChrono(next - now));
    }
  }
}

bool OperationQueue::Take(Entry& entry) {
  std::deque<Uuid>* ready = &ready_quick_;
  if (draining_) {
    if (ready->empty()) return false;
  } else if (ready->empty()) {
    const bool suspect = !ready_suspect_.empty() && !suspect_runs_;
    ready = suspect ? &ready_suspect_ : &ready_slow_;
  }
  Line& line = lines_[ready->front()];
  ready->pop_front();
  entry = std::move(line.waiting.front());
  line.waiting.pop_front();
  entry.begun = true;
  line.running = entry.cancel;
  line.running_kind = entry.job.kind;
  line.running_generation = entry.job.generation;
  ++running_;
  if (entry.job.slow) ++running_slow_;
  if (entry.job.suspect) suspect_runs_ = true;
  return true;
}

void OperationQueue::PutBack(Entry entry) {
  const Uuid instance = entry.job.instance;
  --running_;
  if (entry.job.slow) --running_slow_;
  if (entry.job.suspect) suspect_runs_ = false;
  Line& line = lines_[instance];
  line.running = nullptr;
  if (const auto park = entry.cancel->TakePark()) {
    if (draining_) {
      entry.cancel->Request(StopKind::kDrain);
      cut_short_ = true;
    }
    const bool stop = entry.cancel->kind() != StopKind::kNone;
    line.waiting.push_front(std::move(entry));
    if (draining_) {
      ready_quick_.push_back(instance);
    } else if (stop) {
      MakeReady(instance, line);
    } else {
      line.parked = parked_.emplace(std::chrono::steady_clock::now() + *park, instance);
    }
    return;
  }
  if (line.waiting.empty()) {
    lines_.erase(instance);
  } else {
    MakeReady(instance, line);
  }
}

void OperationQueue::Work() {
  while (true) {
    Entry entry;
    {
      const absl::MutexLock lock(&mutex_);
      AwaitWork();
      if (!Take(entry)) return;
    }
    try {
      entry.job.run(*entry.cancel);
    } catch (const std::exception& e) {
      LogError("an operation ended by an exception",
               {F("instance", entry.job.instance), F("what", e.what())});
      entry.cancel->TakePark();
    }
    // What it holds goes before the instance counts as idle.
    if (!entry.cancel->parked()) entry.job.run = nullptr;
    const absl::MutexLock lock(&mutex_);
    PutBack(std::move(entry));
  }
}

void OperationQueue::CancelRunning() {
  for (auto& [instance, line] : lines_) {
    if (line.running == nullptr) continue;
    line.running->Request(StopKind::kDrain);
    cut_short_ = true;
  }
}

bool OperationQueue::Drain(std::chrono::steady_clock::time_point deadline) {
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    ready_slow_.clear();
    ready_quick_.clear();
    ready_suspect_.clear();
    parked_.clear();
    for (auto it = lines_.begin(); it != lines_.end();) {
      Line& line = it->second;
      line.parked.reset();
      // What had begun must still set itself aside in the journal.
      const bool begun = !line.waiting.empty() && line.waiting.front().begun;
      line.waiting.resize(begun ? 1 : 0);
      if (begun) {
        line.waiting.front().cancel->Request(StopKind::kDrain);
        ready_quick_.push_back(it->first);
        cut_short_ = true;
      }
      it = line.running == nullptr && !begun ? lines_.erase(it) : std::next(it);
    }
    const auto left = std::max(deadline - std::chrono::steady_clock::now(),
                               std::chrono::steady_clock::duration::zero());
    const auto done = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return (running_ == 0 && ready_quick_.empty()) || hurried_;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&done), absl::FromChrono(left));
    if (running_ != 0) CancelRunning();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
  const absl::MutexLock lock(&mutex_);
  return !cut_short_;
}

void OperationQueue::HurryDrain() {
  const absl::MutexLock lock(&mutex_);
  hurried_ = true;
  if (draining_) CancelRunning();
}

void OperationQueue::WaitIdle() {
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return lines_.empty(); };
  mutex_.Await(absl::Condition(&idle));
}

}  // namespace kilonova::agent::core
