// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/queue/queue_receiver.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <deque>
#include <thread>
#include <utility>

#include "agent/adapters/queue/reading_mark.h"
#include "common/base/failpoint.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "proto/oslo/decode.h"

namespace kilonova::agent::adapters::queue {
namespace {

// How often the state of the connection is told on, when nothing arrives.
constexpr auto kWatchEvery = absl::Milliseconds(200);

amqp::ConsumerOptions ConsumerOptionsOf(const QueueReceiverOptions& options) {
  return options.consumer ? *options.consumer : amqp::HostConsumerOptions(options.host);
}

}  // namespace

class QueueReceiver::Impl {
 public:
  Impl(amqp::ConnectionSettings broker, QueueReceiverOptions options, core::RequestSink& sink,
       const Clock& clock, amqp::Random random)
      : options_(std::move(options)),
        sink_(sink),
        mark_(options_.reading_mark),
        consumer_(
            std::move(broker), ConsumerOptionsOf(options_),
            [this](amqp::Delivery delivery) { Enqueue(std::move(delivery)); }, clock,
            std::move(random)),
        worker_([this](const std::stop_token& stop) { Work(stop); }) {}

  ~Impl() {
    worker_.request_stop();
    worker_.join();
    // The consumer goes next: it says the last acknowledgements, then closes.
  }

  void StopTaking(std::string why) { consumer_.Stop(std::move(why)); }

  QueueCounters Counters() const {
    absl::MutexLock lock(&mutex_);
    return counters_;
  }

  amqp::ConsumerHealth Health() const { return consumer_.Health(); }

 private:
  // On the connection's thread.
  void Enqueue(amqp::Delivery delivery) {
    absl::MutexLock lock(&mutex_);
    // What a former connection brought comes again on this one; so at most a prefetch waits here.
    if (!waiting_.empty() && waiting_.front().token.session != delivery.token.session) {
      waiting_.clear();
    }
    waiting_.push_back(std::move(delivery));
    ++counters_.received;
  }

  void Work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      TellReceiving();
      if (std::optional<amqp::Delivery> delivery = Next()) Handle(*delivery);
    }
  }

  std::optional<amqp::Delivery> Next() {
    absl::MutexLock lock(&mutex_);
    const auto arrived = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !waiting_.empty(); };
    mutex_.AwaitWithTimeout(absl::Condition(&arrived), kWatchEvery);
    if (waiting_.empty()) return std::nullopt;
    amqp::Delivery delivery = std::move(waiting_.front());
    waiting_.pop_front();
    return delivery;
  }

  void TellReceiving() {
    const amqp::ConsumerHealth health = consumer_.Health();
    if (health.consuming) {
      sink_.SetReceiving(true, "");
    } else {
      sink_.SetReceiving(
          false, !health.stopped.empty() ? health.stopped : "no connection to the message broker");
    }
  }

  void Handle(const amqp::Delivery& delivery) {
    FAILPOINT("agent.recv.before");
    if (!consumer_.Health().stopped.empty()) return;  // stays unsettled: back to the queue
    if (delivery.too_large) {
      return Refuse(delivery, Error(Code::kInvalidArgument, reason::kMessageTooLarge,
                                    "message of " + std::to_string(delivery.body_size) + " bytes"));
    }
    // The first reading of a message is not marked: a death then shows in its coming again.
    const bool again = delivery.redelivered || delivery.delivery_count > 0;
    const std::string digest = again ? Sha256Hex(delivery.body) : "";
    if (again && mark_.Deaths(digest) + 1 >= options_.poison_after) {
      return Refuse(delivery, Unread(delivery));
    }
    FAILPOINT("agent.recv.after");
    if (again) mark_.Begin(digest);
    FAILPOINT("agent.parse.before");
    auto received =
        oslo::DecodeComputeRequest(delivery.body, {.require_ticket = options_.require_ticket});
    if (again) mark_.End(digest);
    if (!received.ok()) return Refuse(delivery, received.status());
    FAILPOINT("agent.parse.after");
    const core::IncomingRequest incoming{.request = std::move(received->request),
                                         .body = std::move(received->inner),
                                         .digest = std::move(received->digest)};
    FAILPOINT("agent.journal_insert.before");
    const core::SinkAnswer answer = sink_.Submit(incoming);
    FAILPOINT("agent.journal_insert.after");
    Settle(delivery, incoming, answer);
  }

  // What its headers say of a message whose body nobody dares to read, so that its owner hears.
  Status Unread(const amqp::Delivery& delivery) const {
    Status why = Error(Code::kAborted, reason::kBuildAbandoned,
                       "the request was given up after it ended the agent repeatedly");
    const auto add = [&](std::string_view key, std::string_view header) {
      const auto it = delivery.headers.find(header);
      if (it == delivery.headers.end()) return;
      if (const auto* text = std::get_if<std::string>(&it->second); text && text->size() <= 255) {
        why = WithDetail(why, key, *text);
      } else if (const auto* number = std::get_if<std::int64_t>(&it->second)) {
        why = WithDetail(why, key, std::to_string(*number));
      }
    };
    add("method", amqp::kMethodHeader);
    add("instance", amqp::kInstanceHeader);
    add("generation", amqp::kGenerationHeader);
    return why;
  }

  void Settle(const amqp::Delivery& delivery, const core::IncomingRequest& incoming,
              const core::SinkAnswer& answer) {
    switch (answer.verdict) {
      case core::Verdict::kAck: {
        {
          absl::MutexLock lock(&mutex_);
          ++counters_.accepted;
        }
        FAILPOINT("agent.ack.before");
        consumer_.Ack(delivery.token);
        FAILPOINT("agent.ack.after");
        LogInfo("request accepted", {F("request", incoming.request.request_id),
                                     F("instance", model::InstanceUuid(incoming.request)),
                                     F("method", incoming.request.method)});
        return;
      }
      case core::Verdict::kRefuse:
        Reject(delivery, answer.why);  // the sink has counted it
        return;
      case core::Verdict::kJournalFailed:
        LogError("journal failed: the queue is left alone", {F("error", answer.why)});
        consumer_.Stop("journal failed");
        return;
      case core::Verdict::kDraining:
        consumer_.Stop("draining");
        return;
    }
  }

  // Refused by this adapter itself.
  void Refuse(const amqp::Delivery& delivery, const Status& why) {
    sink_.CountRefused(why);
    Reject(delivery, why);
  }

  void Reject(const amqp::Delivery& delivery, const Status& why) {
    LogWarn("message refused", {F("reason", ReasonOf(why)), F("bytes", delivery.body_size),
                                F("sha256", delivery.too_large ? "" : Sha256Hex(delivery.body)),
                                F("delivery_count", delivery.delivery_count)});
    {
      absl::MutexLock lock(&mutex_);
      ++counters_.refused[ReasonOf(why)];
    }
    consumer_.Reject(delivery.token);
  }

  const QueueReceiverOptions options_;
  core::RequestSink& sink_;
  ReadingMark mark_;  // the worker's

  mutable absl::Mutex mutex_;
  std::deque<amqp::Delivery> waiting_ ABSL_GUARDED_BY(mutex_);
  QueueCounters counters_ ABSL_GUARDED_BY(mutex_);

  amqp::Consumer consumer_;
  std::jthread worker_;  // last: starts when everything else is there
};

QueueReceiver::QueueReceiver(amqp::ConnectionSettings broker, QueueReceiverOptions options,
                             core::RequestSink& sink, const Clock& clock, amqp::Random random)
    : impl_(std::make_unique<Impl>(std::move(broker), std::move(options), sink, clock,
                                   std::move(random))) {}
QueueReceiver::~QueueReceiver() = default;

void QueueReceiver::StopTaking(std::string why) { impl_->StopTaking(std::move(why)); }
QueueCounters QueueReceiver::Counters() const { return impl_->Counters(); }
amqp::ConsumerHealth QueueReceiver::Health() const { return impl_->Health(); }

}  // namespace kilonova::agent::adapters::queue
