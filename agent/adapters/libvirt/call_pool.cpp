// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/call_pool.h"

#include <absl/time/time.h>

#include <algorithm>

namespace kilonova::agent::adapters::libvirt {
namespace {

constexpr absl::Duration kPatienceAtEnd = absl::Seconds(2);

Status Unavailable(std::string_view why) {
  return Error(Code::kUnavailable, reason::kHypervisorUnavailable,
               "the hypervisor did not answer in time", {{kOperatorDetail, std::string(why)}});
}

}  // namespace

CallPool::CallPool(std::size_t threads, std::size_t most_waiting)
    : threads_count_(threads), most_waiting_(most_waiting), shared_(std::make_shared<Shared>()) {
  {
    const absl::MutexLock lock(&shared_->mutex);
    shared_->alive = threads;
  }
  for (Worker worker = 0; worker < threads; ++worker) {
    threads_.emplace_back([shared = shared_, worker] { Work(shared, worker); });
  }
}

CallPool::~CallPool() {
  bool all_ended = false;
  {
    const absl::MutexLock lock(&shared_->mutex);
    shared_->stopping = true;
    Shared* shared = shared_.get();
    const auto none_left = [shared]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return shared->alive == 0; };
    all_ended = shared_->mutex.AwaitWithTimeout(absl::Condition(&none_left), kPatienceAtEnd);
  }
  for (auto& thread : threads_) {
    if (all_ended) {
      thread.join();
    } else {
      thread.detach();
    }
  }
}

Status CallPool::Run(std::chrono::milliseconds deadline, std::function<void(Worker)> work) {
  auto job = std::make_shared<Job>();  // shared between the caller and a worker
  job->work = std::move(work);
  job->due = std::chrono::steady_clock::now() + deadline;
  const absl::MutexLock lock(&shared_->mutex);
  const auto now = std::chrono::steady_clock::now();
  const auto overdue =
      std::ranges::count_if(shared_->running, [now](const auto& j) { return j->due <= now; });
  if (static_cast<std::size_t>(overdue) >= threads_count_) return Unavailable("all calls hang");
  if (shared_->waiting.size() >= most_waiting_) return Unavailable("too many calls wait");
  shared_->waiting.push_back(job);
  const auto done = [&job]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return job->done; };
  if (shared_->mutex.AwaitWithTimeout(absl::Condition(&done), absl::FromChrono(deadline))) {
    return OkStatus();
  }
  job->abandoned = true;
  std::erase(shared_->waiting, job);
  return Unavailable("deadline passed");
}

void CallPool::Work(const std::shared_ptr<Shared>& shared, Worker worker) {
  shared->mutex.Lock();
  while (true) {
    Shared* raw = shared.get();
    const auto ready = [raw]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return raw->stopping || !raw->waiting.empty();
    };
    shared->mutex.Await(absl::Condition(&ready));
    if (shared->waiting.empty()) break;  // stopping
    const auto job = shared->waiting.front();
    shared->waiting.pop_front();
    shared->running.push_back(job);
    shared->mutex.Unlock();
    job->work(worker);
    job->work = nullptr;  // what the work owned goes while no lock is held
    shared->mutex.Lock();
    std::erase(shared->running, job);
    job->done = true;
  }
  --shared->alive;
  shared->mutex.Unlock();
}

}  // namespace kilonova::agent::adapters::libvirt
