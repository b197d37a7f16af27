// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/publisher.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "common/base/log.h"
#include "proto/amqp/internal/connection_thread.h"

namespace kilonova::amqp {
namespace {

// How many are written before confirms are read again.
constexpr int kBurst = 32;

Status Stopping() {
  return Error(Code::kUnavailable, reason::kBrokerUnavailable, "the publisher is stopping");
}

}  // namespace

class Publisher::Impl final : private Events, private ConnectionThread::Owner {
 public:
  Impl(ConnectionSettings settings, PublisherOptions options, const Clock& clock, Random random)
      : settings_(std::move(settings)),
        options_(std::move(options)),
        clock_(clock),
        thread_(settings_, 0, options_.backoff, std::move(random), clock, *this) {}

  ~Impl() override { thread_.Stop(options_.drain + std::chrono::seconds(3)); }

  Status Publish(Message message, Done done) {
    if (message.body.size() > options_.max_body) {
      return Error(Code::kInvalidArgument, reason::kMessageTooLarge,
                   "message of " + std::to_string(message.body.size()) + " bytes, at most " +
                       std::to_string(options_.max_body));
    }
    {
      absl::MutexLock lock(&mutex_);
      if (stopped_) return Stopping();
      if (inbox_.size() >= options_.inbox) {
        return Error(Code::kUnavailable, reason::kBrokerUnavailable,
                     "too many messages wait for the broker");
      }
      inbox_.push_back({std::move(message), std::move(done)});
      health_.waiting = inbox_.size();
    }
    thread_.Wake();
    return OkStatus();
  }

  PublisherHealth Health() const {
    absl::MutexLock lock(&mutex_);
    return health_;
  }

 private:
  struct Item {
    Message message;
    Done done;
  };
  struct InFlight {
    Done done;
    std::optional<std::string> returned;  // why, when it came back
  };

  // OK only when stopped.
  Status Serve(const std::stop_token& stop, Connection& connection) override {
    RETURN_IF_ERROR(connection.Declare(options_.topology));
    RETURN_IF_ERROR(connection.SelectConfirms());
    next_tag_ = 1;
    SetConnected();
    return PublishAll(stop, connection);
  }

  void OnEnded(const Status& why, std::optional<std::chrono::milliseconds> retry) override {
    if (!retry) return;
    LogWarn("publisher lost its broker",
            {F("broker", Describe(settings_)), F("error", why), F("retry_ms", retry->count())});
    FailInFlight(kilonova::Describe(why));
    SetDisconnected(why);
  }

  void OnStopped() override {
    FailInFlight("stopped");
    SetDisconnected(std::nullopt);
    FailInbox();
  }

  Status PublishAll(const std::stop_token& stop, Connection& connection) {
    std::optional<SteadyTime> drain_until;
    while (true) {
      RETURN_IF_ERROR(connection.Pump(*this));
      if (stop.stop_requested()) {
        if (!drain_until) drain_until = clock_.Steady() + options_.drain;
        if (in_flight_.empty() || clock_.Steady() >= *drain_until) return OkStatus();
      } else {
        ASSIGN_OR_RETURN(const bool more, PublishSome(connection));
        if (more) continue;
      }
      thread_.Wait(connection.fd(), connection.HeartbeatPoll());
    }
  }

  // True when there is more to publish at once.
  Expected<bool> PublishSome(Connection& connection) {
    for (int i = 0; i < kBurst; ++i) {
      if (blocked_ || in_flight_.size() >= options_.window) return false;
      std::optional<Item> item = TakeFromInbox();
      if (!item) return false;
      const std::uint64_t tag = next_tag_++;
      in_flight_[tag].done = std::move(item->done);
      RETURN_IF_ERROR(connection.Publish(item->message, tag));
    }
    return true;
  }

  std::optional<Item> TakeFromInbox() {
    absl::MutexLock lock(&mutex_);
    if (inbox_.empty()) return std::nullopt;
    Item item = std::move(inbox_.front());
    inbox_.pop_front();
    health_.waiting = inbox_.size();
    health_.in_flight = in_flight_.size() + 1;
    ++health_.published;
    return item;
  }

  void OnConfirm(std::uint64_t tag, bool multiple, bool taken) override {
    const auto first = multiple ? in_flight_.begin() : in_flight_.find(tag);
    const auto last = multiple ? in_flight_.upper_bound(tag)
                               : (first == in_flight_.end() ? first : std::next(first));
    std::vector<InFlight> settled;
    for (auto it = first; it != last; ++it) settled.push_back(std::move(it->second));
    in_flight_.erase(first, last);
    thread_.ResetBackoff();
    for (InFlight& one : settled) {
      if (one.returned) {
        Complete(one.done, {PublishResult::kReturned, *std::move(one.returned)});
      } else if (taken) {
        Complete(one.done, {PublishResult::kConfirmed, {}});
      } else {
        Complete(one.done, {PublishResult::kNacked, "the broker would not take it"});
      }
    }
  }

  void OnReturn(std::uint64_t sequence, std::string why) override {
    if (const auto it = in_flight_.find(sequence); it != in_flight_.end()) {
      it->second.returned = std::move(why);
    }
  }

  void OnDelivery(Delivery) override {}  // nothing is consumed here

  void OnBlocked(bool blocked, std::string why) override {
    blocked_ = blocked;
    if (blocked) {
      LogWarn("broker blocks publishers", {F("broker", Describe(settings_)), F("why", why)});
    } else {
      LogInfo("broker takes messages again", {F("broker", Describe(settings_))});
    }
    absl::MutexLock lock(&mutex_);
    health_.blocked = blocked;
    health_.blocked_reason = std::move(why);
  }

  void Complete(const Done& done, PublishOutcome outcome) {
    {
      absl::MutexLock lock(&mutex_);
      switch (outcome.result) {
        case PublishResult::kConfirmed:
          ++health_.confirmed;
          break;
        case PublishResult::kReturned:
          ++health_.returned;
          break;
        case PublishResult::kNacked:
          ++health_.nacked;
          break;
        case PublishResult::kUnknown:
          ++health_.unknown;
          break;
      }
      health_.in_flight = in_flight_.size();
    }
    if (done) done(std::move(outcome));
  }

  void FailInFlight(const std::string& why) {
    auto lost = std::exchange(in_flight_, {});
    for (auto& [tag, one] : lost) {
      if (one.returned) {
        Complete(one.done, {PublishResult::kReturned, *std::move(one.returned)});
      } else {
        Complete(one.done, {PublishResult::kUnknown, why});
      }
    }
  }

  void FailInbox() {
    std::deque<Item> left;
    {
      absl::MutexLock lock(&mutex_);
      stopped_ = true;
      left.swap(inbox_);
      health_.waiting = 0;
    }
    for (Item& item : left) Complete(item.done, {PublishResult::kUnknown, "stopped"});
  }

  void SetConnected() {
    LogInfo("publisher connected", {F("broker", Describe(settings_))});
    blocked_ = false;
    absl::MutexLock lock(&mutex_);
    health_.connected = true;
    health_.blocked = false;
    ++health_.connects;
  }

  void SetDisconnected(std::optional<Status> why) {
    blocked_ = false;
    absl::MutexLock lock(&mutex_);
    health_.connected = false;
    health_.blocked = false;
    health_.blocked_reason.clear();
    if (why) health_.last_error = *std::move(why);
  }

  const ConnectionSettings settings_;
  const PublisherOptions options_;
  const Clock& clock_;

  // The thread's own.
  std::uint64_t next_tag_ = 1;
  std::map<std::uint64_t, InFlight> in_flight_;
  bool blocked_ = false;

  mutable absl::Mutex mutex_;
  std::deque<Item> inbox_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  PublisherHealth health_ ABSL_GUARDED_BY(mutex_);

  ConnectionThread thread_;  // last: starts when everything else is there
};

Publisher::Publisher(ConnectionSettings settings, PublisherOptions options, const Clock& clock,
                     Random random)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(options), clock,
                                   std::move(random))) {}
Publisher::~Publisher() = default;

Status Publisher::Publish(Message message, Done done) {
  return impl_->Publish(std::move(message), std::move(done));
}

Expected<std::future<PublishOutcome>> Publisher::Publish(Message message) {
  // Shared because std::function must be copyable.
  auto promise = std::make_shared<std::promise<PublishOutcome>>();
  auto future = promise->get_future();
  RETURN_IF_ERROR(Publish(std::move(message), [promise](PublishOutcome outcome) {
    promise->set_value(std::move(outcome));
  }));
  return future;
}

PublisherHealth Publisher::Health() const { return impl_->Health(); }

}  // namespace kilonova::amqp
