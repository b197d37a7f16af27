// SPDX-License-Identifier: Apache-2.0
// Receives from one queue, acknowledged by hand. One thread owns the connection: it declares what
// must exist, consumes, answers heartbeats, probes for deafness, and opens the connection anew with
// full jitter whenever anything about it is wrong. Nothing goes wrong silently: Health() says what
// the last error was.
//
//   Consumer consumer(settings, options, [&](Delivery d) { worker.Take(std::move(d)); });
//   consumer.Ack(token);
//
// Thread rule: the handler runs on the consumer's thread and must be quick (heartbeats wait for
// it). Ack, Reject, Stop, Resume and Health may be called from any thread, the handler included.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "proto/amqp/backoff.h"
#include "proto/amqp/message.h"
#include "proto/amqp/settings.h"
#include "proto/amqp/topology.h"

namespace kilonova::amqp {

// Header that marks a probe; its value is the nonce.
inline constexpr std::string_view kProbeHeader = "kilonova-probe";

struct ProbeOptions {
  std::chrono::milliseconds interval{10'000};  // 0 = no probes
  std::chrono::milliseconds deaf_after{45'000};
  std::string exchange = std::string(kNovaExchange);
};

struct ConsumerOptions {
  Topology topology;
  std::string queue;  // consumed; probes go to the key of the same name
  std::uint16_t prefetch = 32;
  std::uint64_t max_body = 1u << 20;
  ProbeOptions probe;
  Backoff::Limits backoff;
};

// As docs/formats/queue.md says.
ConsumerOptions HostConsumerOptions(std::string_view host);

struct ConsumerHealth {
  bool connected = false;
  bool consuming = false;
  bool blocked = false;  // the broker is short of memory or disk; probes pause
  std::string stopped;   // why Stop was called; "" = not stopped
  Status last_error;     // why the connection was last lost or refused
  std::uint64_t connects = 0, deliveries = 0, acked = 0, rejected = 0;
  std::uint64_t unsettled = 0;  // delivered and not yet acknowledged or rejected
  std::uint64_t probes_sent = 0, probes_received = 0, deaf = 0, cancelled = 0;
  SteadyTime last_delivery{};  // of anything, probes too; epoch = never
};

class Consumer {
 public:
  using Handler = std::function<void(Delivery)>;

  Consumer(ConnectionSettings settings, ConsumerOptions options, Handler handler,
           const Clock& clock = SystemClock(), Random random = SystemRandom());
  // Closes the connection: what was not settled is queued again by the broker.
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  void Ack(DeliveryToken token);
  // Never queued again here: the broker dead-letters it.
  void Reject(DeliveryToken token);

  // Closes the connection and stays away, so that unsettled messages go back to the queue and new
  // ones wait there. Returns at once.
  void Stop(std::string why);
  void Resume();

  ConsumerHealth Health() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kilonova::amqp
