// SPDX-License-Identifier: Apache-2.0
// The other end of a session, in memory. Thread-safe.
#pragma once

#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "agent/adapters/scheduler/transport.h"

namespace kilonova::agent::adapters::scheduler {

class FakeScheduler {
 public:
  // What Open gives out.
  class FakeStream final : public Stream {
   public:
    explicit FakeStream(FakeScheduler* scheduler) : scheduler_(scheduler) {}
    bool Write(const Outbound& message) override {
      absl::MutexLock lock(&scheduler_->mutex_);
      if (over_ || scheduler_->unreachable_) return false;
      scheduler_->heard_.push_back(message);
      if (scheduler_->welcome_ && std::holds_alternative<Hello>(message)) {
        say_.push_back(*scheduler_->welcome_);
        scheduler_->changed_.SignalAll();
      }
      return true;
    }
    std::optional<Inbound> Read() override {
      absl::MutexLock lock(&scheduler_->mutex_);
      while (!over_ && say_.empty()) scheduler_->changed_.Wait(&scheduler_->mutex_);
      if (over_) return std::nullopt;
      Inbound message = std::move(say_.front());
      say_.pop_front();
      return message;
    }
    void Cancel() override {
      absl::MutexLock lock(&scheduler_->mutex_);
      over_ = true;
      scheduler_->changed_.SignalAll();
    }
    Status Finish() override {
      absl::MutexLock lock(&scheduler_->mutex_);
      if (scheduler_->current_ == this) scheduler_->current_ = nullptr;
      return Error(Code::kUnavailable, reason::kUnavailable, "over");
    }

   private:
    friend class FakeScheduler;
    FakeScheduler* const scheduler_;
    bool over_ = false;
    std::deque<Inbound> say_;
  };

  class FakeTransport final : public Transport {
   public:
    explicit FakeTransport(FakeScheduler* scheduler) : scheduler_(scheduler) {}
    std::unique_ptr<Stream> Open() override {
      auto stream = std::make_unique<FakeStream>(scheduler_);
      absl::MutexLock lock(&scheduler_->mutex_);
      ++scheduler_->opened_;
      scheduler_->current_ = stream.get();
      if (scheduler_->unreachable_) stream->over_ = true;
      return stream;
    }
    Status ConfirmStart(const std::string&, const Uuid&, std::int64_t,
                        std::chrono::milliseconds) override {
      return scheduler_->confirm;
    }

   private:
    FakeScheduler* const scheduler_;
  };

  std::unique_ptr<Transport> MakeTransport() { return std::make_unique<FakeTransport>(this); }

  // Every session from now on is welcomed like this; nothing: never welcomed.
  void WelcomeWith(std::optional<Welcome> welcome) {
    absl::MutexLock lock(&mutex_);
    welcome_ = std::move(welcome);
  }
  void SetUnreachable(bool unreachable) {
    absl::MutexLock lock(&mutex_);
    unreachable_ = unreachable;
    if (unreachable && current_ != nullptr) current_->over_ = true;
    changed_.SignalAll();
  }
  void Say(Inbound message) {
    absl::MutexLock lock(&mutex_);
    if (current_ != nullptr) current_->say_.push_back(std::move(message));
    changed_.SignalAll();
  }
  void BreakStream() {
    absl::MutexLock lock(&mutex_);
    if (current_ != nullptr) current_->over_ = true;
    changed_.SignalAll();
  }

  // All of one kind heard so far.
  template <class T>
  std::vector<T> Heard() const {
    absl::MutexLock lock(&mutex_);
    std::vector<T> found;
    for (const Outbound& message : heard_) {
      if (const T* one = std::get_if<T>(&message)) found.push_back(*one);
    }
    return found;
  }
  int opened() const {
    absl::MutexLock lock(&mutex_);
    return opened_;
  }

  Status confirm = OkStatus();  // what ConfirmStart answers; set before use

 private:
  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  std::optional<Welcome> welcome_;
  bool unreachable_ = false;
  int opened_ = 0;
  FakeStream* current_ = nullptr;
  std::vector<Outbound> heard_;
};

// Polls until `condition` holds; false after a minute.
inline bool Eventually(const std::function<bool()>& condition) {
  const absl::Time until = absl::Now() + absl::Seconds(60);
  while (!condition()) {
    if (absl::Now() > until) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return true;
}

}  // namespace kilonova::agent::adapters::scheduler
