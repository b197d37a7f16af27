// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/watch_pump.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <utility>

namespace kilonova::scheduler::adapters::grpc {

WatchPump::WatchPump(std::chrono::milliseconds idle) : idle_(idle), thread_([this] { Run(); }) {}

WatchPump::~WatchPump() { Stop(); }

std::int64_t WatchPump::Add(std::shared_ptr<Pumped> pumped) {
  absl::MutexLock lock(&mutex_);
  if (stop_) return 0;
  const std::int64_t id = ++last_id_;
  pumped->id_ = id;
  pumped->queued_ = true;
  waiting_.push_back(pumped);
  all_.emplace(id, std::move(pumped));
  changed_.Signal();
  return id;
}

void WatchPump::Remove(std::int64_t id) {
  std::shared_ptr<Pumped> removed;  // let go of after the lock
  absl::MutexLock lock(&mutex_);
  const auto found = all_.find(id);
  if (found == all_.end()) return;
  removed = std::move(found->second);
  all_.erase(found);
}

void WatchPump::Wake(std::int64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto found = all_.find(id);
  if (found == all_.end() || found->second->queued_) return;
  found->second->queued_ = true;
  waiting_.push_back(found->second);
  changed_.Signal();
}

void WatchPump::Stop() {
  std::map<std::int64_t, std::shared_ptr<Pumped>> told;
  {
    absl::MutexLock lock(&mutex_);
    if (!stop_) told = all_;
    stop_ = true;
    changed_.Signal();
  }
  if (thread_.joinable()) thread_.join();
  for (const auto& [id, pumped] : told) pumped->Stopped();
}

void WatchPump::Run() {
  absl::Time sweep = absl::Now() + absl::FromChrono(idle_);
  while (true) {
    std::shared_ptr<Pumped> next;
    {
      absl::MutexLock lock(&mutex_);
      while (!stop_ && waiting_.empty()) {
        if (absl::Now() >= sweep) {
          sweep = absl::Now() + absl::FromChrono(idle_);
          for (const auto& [id, pumped] : all_) {
            pumped->queued_ = true;
            waiting_.push_back(pumped);
          }
          continue;
        }
        changed_.WaitWithDeadline(&mutex_, sweep);
      }
      if (stop_) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
      next->queued_ = false;
      if (!all_.contains(next->id_)) continue;
    }
    next->Turn();
  }
}

}  // namespace kilonova::scheduler::adapters::grpc
