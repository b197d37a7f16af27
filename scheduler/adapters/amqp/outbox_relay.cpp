// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/amqp/outbox_relay.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/failpoint.h"
#include "common/base/log.h"

namespace kilonova::scheduler::adapters::amqp {

using kilonova::amqp::HostQueueName;
using kilonova::amqp::kNovaExchange;
using kilonova::amqp::Message;
using kilonova::amqp::Publisher;
using kilonova::amqp::PublishOutcome;
using kilonova::amqp::PublishResult;

class OutboxRelay::Impl {
 public:
  Impl(kilonova::amqp::ConnectionSettings broker, core::Outbox& outbox, OutboxRelayOptions options,
       const Clock& clock, kilonova::amqp::Random random)
      : outbox_(outbox),
        options_(std::move(options)),
        publisher_(std::make_unique<Publisher>(std::move(broker), options_.publisher, clock,
                                               std::move(random))),
        settler_([this](const std::stop_token& stop) { SettleLoop(stop); }),
        taker_([this](const std::stop_token& stop) { TakeLoop(stop); }) {}

  ~Impl() {
    taker_.request_stop();
    taker_.join();
    publisher_.reset();  // completes everything that is open
    settler_.request_stop();
    settler_.join();
  }

  OutboxRelayCounters Counters() const {
    absl::MutexLock lock(&mutex_);
    return counters_;
  }

  kilonova::amqp::PublisherHealth Health() const { return publisher_->Health(); }

 private:
  struct Settled {
    std::vector<std::int64_t> confirmed, returned, failed;
    bool nacked = false;
    bool empty() const { return confirmed.empty() && returned.empty() && failed.empty(); }
  };

  void TakeLoop(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const std::size_t room = WaitForRoom();
      if (room == 0) continue;
      const auto asked = std::chrono::milliseconds(500);
      const SteadyTime before = SystemClock().Steady();
      auto rows = outbox_.Take(std::min(room, options_.batch), asked);
      if (rows.empty() && SystemClock().Steady() - before < asked / 2) {
        // The outbox has stopped and answers at once; do not spin until we are stopped, too.
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
      for (core::OutboxRow& row : rows) Send(std::move(row));
    }
  }

  std::size_t WaitForRoom() {
    absl::MutexLock lock(&mutex_);
    const auto room = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return counters_.open < options_.window;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&room), absl::Milliseconds(500));
    return counters_.open < options_.window ? options_.window - counters_.open : 0;
  }

  void Send(core::OutboxRow row) {
    const std::int64_t id = row.id;
    {
      absl::MutexLock lock(&mutex_);
      ++counters_.taken;
      ++counters_.open;
    }
    LogDebug("message leaves the outbox",
             {F("host", row.host), F("instance", row.instance), F("method", row.method)});
    FAILPOINT("scheduler.outbox.publish.before");
    const Status sent = publisher_->Publish(
        Message{.exchange = std::string(kNovaExchange),
                .routing_key = HostQueueName(row.host),
                .body = std::move(row.body),
                .headers = {{std::string(kilonova::amqp::kMethodHeader), row.method},
                            {std::string(kilonova::amqp::kInstanceHeader), row.instance.str()},
                            {std::string(kilonova::amqp::kGenerationHeader), row.generation}}},
        [this, id](const PublishOutcome& outcome) { Settle(id, outcome.result); });
    FAILPOINT("scheduler.outbox.publish.after");
    if (sent.ok()) return;
    if (HasReason(sent, reason::kMessageTooLarge)) {
      // Will never be otherwise: no host can have it.
      LogError("message cannot be sent", {F("instance", row.instance), F("error", sent)});
      Settle(id, PublishResult::kReturned);
    } else {
      Settle(id, PublishResult::kNacked);
    }
  }

  void Settle(std::int64_t id, PublishResult result) {
    absl::MutexLock lock(&mutex_);
    switch (result) {
      case PublishResult::kConfirmed:
        settled_.confirmed.push_back(id);
        break;
      case PublishResult::kReturned:
        settled_.returned.push_back(id);
        break;
      case PublishResult::kNacked:
        settled_.nacked = true;
        settled_.failed.push_back(id);
        break;
      case PublishResult::kUnknown:
        settled_.failed.push_back(id);
        break;
    }
  }

  void SettleLoop(const std::stop_token& stop) {
    while (true) {
      const bool last = stop.stop_requested();
      Settled settled = TakeSettled(last);
      if (settled.empty()) {
        if (last) return;
        continue;
      }
      GiveBack(settled, stop);
    }
  }

  Settled TakeSettled(bool last) {
    absl::MutexLock lock(&mutex_);
    const auto some = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !settled_.empty(); };
    if (!last) mutex_.AwaitWithTimeout(absl::Condition(&some), absl::Milliseconds(100));
    return std::exchange(settled_, {});
  }

  void GiveBack(const Settled& settled, const std::stop_token& stop) {
    if (!settled.confirmed.empty()) {
      FAILPOINT("scheduler.outbox.confirm.before");
      const Status forgotten = outbox_.Confirmed(settled.confirmed);
      FAILPOINT("scheduler.outbox.confirm.after");
      if (!forgotten.ok()) {
        LogWarn("sent messages could not be forgotten, they will be sent again",
                {F("count", settled.confirmed.size()), F("error", forgotten)});
      }
    }
    if (!settled.returned.empty()) {
      LogWarn("hosts have no queue", {F("messages", settled.returned.size())});
      outbox_.Returned(settled.returned);
    }
    if (!settled.failed.empty()) {
      if (settled.nacked && !stop.stop_requested()) Pause();
      outbox_.Failed(settled.failed);
    }
    absl::MutexLock lock(&mutex_);
    counters_.confirmed += settled.confirmed.size();
    counters_.returned += settled.returned.size();
    counters_.failed += settled.failed.size();
    counters_.open -= settled.confirmed.size() + settled.returned.size() + settled.failed.size();
  }

  // A broker that says no would say it again at once.
  void Pause() const { std::this_thread::sleep_for(options_.nack_pause); }

  core::Outbox& outbox_;
  const OutboxRelayOptions options_;

  mutable absl::Mutex mutex_;
  Settled settled_ ABSL_GUARDED_BY(mutex_);
  OutboxRelayCounters counters_ ABSL_GUARDED_BY(mutex_);

  std::unique_ptr<Publisher> publisher_;
  std::jthread settler_;
  std::jthread taker_;  // last: starts when everything else is there
};

OutboxRelay::OutboxRelay(kilonova::amqp::ConnectionSettings broker, core::Outbox& outbox,
                         OutboxRelayOptions options, const Clock& clock,
                         kilonova::amqp::Random random)
    : impl_(std::make_unique<Impl>(std::move(broker), outbox, std::move(options), clock,
                                   std::move(random))) {}
OutboxRelay::~OutboxRelay() = default;

OutboxRelayCounters OutboxRelay::Counters() const { return impl_->Counters(); }
kilonova::amqp::PublisherHealth OutboxRelay::Health() const { return impl_->Health(); }

}  // namespace kilonova::scheduler::adapters::amqp
