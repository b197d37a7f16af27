// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/worker_pool.h"

#include <utility>

namespace kilonova::scheduler::adapters::grpc {

WorkerPool::WorkerPool(std::size_t most_threads, std::size_t most_waiting)
    : most_threads_(most_threads), most_waiting_(most_waiting) {}

WorkerPool::~WorkerPool() { Stop(); }

bool WorkerPool::Submit(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (stop_ || waiting_.size() >= most_waiting_) return false;
  waiting_.push_back(std::move(task));
  if (waiting_.size() > idle_ && threads_.size() < most_threads_) {
    threads_.emplace_back([this] { Run(); });
  } else {
    changed_.Signal();
  }
  return true;
}

void WorkerPool::Stop() {
  std::vector<std::jthread> threads;
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
    changed_.SignalAll();
    threads.swap(threads_);
  }
  threads.clear();  // joins
}

void WorkerPool::Run() {
  while (true) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mutex_);
      ++idle_;
      while (!stop_ && waiting_.empty()) changed_.Wait(&mutex_);
      --idle_;
      if (waiting_.empty()) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task();
  }
}

}  // namespace kilonova::scheduler::adapters::grpc
