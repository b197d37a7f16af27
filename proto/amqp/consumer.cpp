// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/consumer.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <optional>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "proto/amqp/internal/connection_thread.h"

namespace kilonova::amqp {

ConsumerOptions HostConsumerOptions(std::string_view host) {
  return {.topology = HostTopology(host), .queue = HostQueueName(host)};
}

class Consumer::Impl final : private Events, private ConnectionThread::Owner {
 public:
  Impl(ConnectionSettings settings, ConsumerOptions options, Handler handler, const Clock& clock,
       Random random)
      : settings_(std::move(settings)),
        options_(std::move(options)),
        handler_(std::move(handler)),
        clock_(clock),
        thread_(settings_, options_.max_body, options_.backoff, std::move(random), clock, *this) {}

  ~Impl() override { thread_.Stop(std::chrono::seconds(4)); }

  void Settle(DeliveryToken token, bool accept) {
    {
      absl::MutexLock lock(&mutex_);
      settlements_.push_back({token, accept});
    }
    thread_.Wake();
  }

  void SetStopped(std::string why) {
    {
      absl::MutexLock lock(&mutex_);
      health_.stopped = std::move(why);
    }
    thread_.Wake();
  }

  ConsumerHealth Health() const {
    absl::MutexLock lock(&mutex_);
    return health_;
  }

 private:
  struct Settlement {
    DeliveryToken token;
    bool accept = true;
  };

  bool WantsConnection() const override { return !IsStopped(); }

  Status Serve(const std::stop_token& stop, Connection& connection) override {
    RETURN_IF_ERROR(connection.Declare(options_.topology));
    BeginSession();
    RETURN_IF_ERROR(connection.Consume(options_.queue, options_.prefetch));
    SetConsuming();
    return Consume(stop, connection);
  }

  void OnEnded(const Status& why, std::optional<std::chrono::milliseconds> retry) override {
    SetDisconnected(why);
    if (!retry) return;
    LogWarn("consumer lost its queue",
            {F("broker", Describe(settings_)), F("queue", options_.queue), F("error", why),
             F("retry_ms", retry->count())});
  }

  Status Consume(const std::stop_token& stop, Connection& connection) {
    while (!stop.stop_requested() && !IsStopped()) {
      RETURN_IF_ERROR(connection.Pump(*this));
      RETURN_IF_ERROR(SettleAll(connection));
      RETURN_IF_ERROR(Probe(connection));
      thread_.Wait(connection.fd(), WaitLimit(connection));
    }
    // What was acknowledged before the stop is said; the rest goes back to the queue.
    return SettleAll(connection);
  }

  std::chrono::milliseconds WaitLimit(const Connection& connection) const {
    auto limit = connection.HeartbeatPoll();
    if (options_.probe.interval.count() > 0) {
      limit = std::min(limit, std::max(options_.probe.interval / 4, std::chrono::milliseconds(10)));
    }
    return limit;
  }

  Status SettleAll(Connection& connection) {
    std::vector<Settlement> settlements;
    {
      absl::MutexLock lock(&mutex_);
      settlements.swap(settlements_);
    }
    for (const Settlement& one : settlements) {
      if (one.token.session != session_) continue;  // of an earlier connection
      RETURN_IF_ERROR(one.accept ? connection.Ack(one.token.tag)
                                 : connection.Reject(one.token.tag));
      absl::MutexLock lock(&mutex_);
      ++(one.accept ? health_.acked : health_.rejected);
      --health_.unsettled;
    }
    return OkStatus();
  }

  // A consumer the broker forgot looks like one with nothing to do. So we send ourselves something.
  Status Probe(Connection& connection) {
    const ProbeOptions& probe = options_.probe;
    if (probe.interval.count() <= 0) return OkStatus();
    const SteadyTime now = clock_.Steady();
    // A blocked broker reads no probe, and one that waits for our acknowledgements sends none back:
    // neither says anything about the way here.
    if (blocked_ || Unsettled() >= options_.prefetch) {
      last_alive_ = now;
      return OkStatus();
    }
    if (now - last_alive_ > probe.deaf_after) {
      absl::MutexLock lock(&mutex_);
      ++health_.deaf;
      return Error(Code::kUnavailable, reason::kBrokerUnavailable,
                   "consumer is deaf: no probe came back for " +
                       std::to_string(probe.deaf_after.count()) + " ms");
    }
    if (probe_returned_) {
      // Queue or binding are gone without a word: declare them again.
      return Error(Code::kUnavailable, reason::kBrokerUnavailable,
                   "nothing sent to this host reaches its queue: " + *probe_returned_);
    }
    if (now < next_probe_) return OkStatus();
    next_probe_ = now + probe.interval;
    const Message message{
        .exchange = probe.exchange,
        .routing_key = options_.queue,
        .expiration = std::to_string(probe.interval.count()),
        .headers = {{std::string(kProbeHeader), Uuid::Random().str()}},
    };
    {
      absl::MutexLock lock(&mutex_);
      ++health_.probes_sent;
    }
    return connection.Publish(message, 0);
  }

  void OnDelivery(Delivery delivery) override {
    last_alive_ = clock_.Steady();
    delivery.token.session = session_;
    thread_.ResetBackoff();
    const bool probe = delivery.headers.contains(kProbeHeader);
    {
      absl::MutexLock lock(&mutex_);
      health_.last_delivery = last_alive_;
      ++health_.unsettled;
      ++(probe ? health_.probes_received : health_.deliveries);
    }
    if (probe) {
      Settle(delivery.token, true);
    } else {
      handler_(std::move(delivery));
    }
  }

  void OnReturn(std::uint64_t, std::string why) override {
    probe_returned_ = std::move(why);  // only probes are published here
  }

  void OnConfirm(std::uint64_t, bool, bool) override {}  // probes are not confirmed

  void OnBlocked(bool blocked, std::string why) override {
    blocked_ = blocked;
    LogWarn(blocked ? "broker blocks this consumer's probes" : "broker unblocked",
            {F("queue", options_.queue), F("why", why)});
    absl::MutexLock lock(&mutex_);
    health_.blocked = blocked;
  }

  bool IsStopped() const {
    absl::MutexLock lock(&mutex_);
    return !health_.stopped.empty();
  }

  std::uint64_t Unsettled() const {
    absl::MutexLock lock(&mutex_);
    return health_.unsettled;
  }

  void BeginSession() {
    ++session_;
    blocked_ = false;
    probe_returned_.reset();
    last_alive_ = clock_.Steady();
    next_probe_ = last_alive_ + options_.probe.interval;
    absl::MutexLock lock(&mutex_);
    health_.unsettled = 0;
    health_.connected = true;
    ++health_.connects;
  }

  void SetConsuming() {
    LogInfo("consuming", {F("broker", Describe(settings_)), F("queue", options_.queue)});
    absl::MutexLock lock(&mutex_);
    health_.consuming = true;
  }

  void SetDisconnected(const Status& why) {
    absl::MutexLock lock(&mutex_);
    health_.connected = false;
    health_.consuming = false;
    health_.blocked = false;
    health_.unsettled = 0;
    if (why.ok()) return;
    health_.last_error = why;
    if (DetailsOf(why).contains("cancelled")) ++health_.cancelled;
  }

  const ConnectionSettings settings_;
  const ConsumerOptions options_;
  const Handler handler_;
  const Clock& clock_;

  // The thread's own.
  std::uint64_t session_ = 0;
  bool blocked_ = false;
  std::optional<std::string> probe_returned_;
  SteadyTime last_alive_{}, next_probe_{};

  mutable absl::Mutex mutex_;
  std::vector<Settlement> settlements_ ABSL_GUARDED_BY(mutex_);
  ConsumerHealth health_ ABSL_GUARDED_BY(mutex_);

  ConnectionThread thread_;  // last: starts when everything else is there
};

Consumer::Consumer(ConnectionSettings settings, ConsumerOptions options, Handler handler,
                   const Clock& clock, Random random)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(options), std::move(handler),
                                   clock, std::move(random))) {}
Consumer::~Consumer() = default;

void Consumer::Ack(DeliveryToken token) { impl_->Settle(token, true); }
void Consumer::Reject(DeliveryToken token) { impl_->Settle(token, false); }
void Consumer::Stop(std::string why) {
  impl_->SetStopped(why.empty() ? "stopped" : std::move(why));
}
void Consumer::Resume() { impl_->SetStopped(""); }
ConsumerHealth Consumer::Health() const { return impl_->Health(); }

}  // namespace kilonova::amqp
