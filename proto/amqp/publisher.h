// SPDX-License-Identifier: Apache-2.0
// Sends messages and says of each what became of it. Persistent, mandatory, confirmed; many may be
// on their way at once. One thread owns the connection, answers its heartbeats while idle, and
// opens it anew with full jitter whenever it is lost.
//
//   Publisher publisher(settings, PublisherOptions{});
//   publisher.Publish(message, [](PublishOutcome outcome) { ... });
//
// Thread rule: Publish and Health from any thread; completions run on the publisher's thread, once
// each, in no promised order, and must not block. The destructor waits briefly for confirms, then
// completes what is left as kUnknown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "proto/amqp/backoff.h"
#include "proto/amqp/message.h"
#include "proto/amqp/settings.h"
#include "proto/amqp/topology.h"

namespace kilonova::amqp {

enum class PublishResult {
  kConfirmed,  // on a queue, durably
  kReturned,   // no queue took it: not sent
  kNacked,     // the broker would not take it: not sent, try again
  kUnknown,    // the connection went before the confirm: sent or not; send again with the same id
};

struct PublishOutcome {
  PublishResult result = PublishResult::kUnknown;
  std::string detail;  // the broker's words for a return, the connection's error for kUnknown
};

struct PublisherOptions {
  Topology topology = PublisherTopology();
  std::size_t window = 256;         // published and not yet confirmed
  std::size_t inbox = 4096;         // waiting to be published
  std::size_t max_body = 1u << 20;  // larger is refused before it reaches the broker
  Backoff::Limits backoff;
  std::chrono::milliseconds drain{1000};  // for confirms, when stopping
};

struct PublisherHealth {
  bool connected = false;
  bool blocked = false;  // connection.blocked: the broker is short of memory or disk
  std::string blocked_reason;
  Status last_error;  // why the connection was last lost or refused
  std::size_t waiting = 0, in_flight = 0;
  std::uint64_t connects = 0, published = 0, confirmed = 0, returned = 0, nacked = 0, unknown = 0;
};

class Publisher {
 public:
  using Done = std::function<void(PublishOutcome)>;

  Publisher(ConnectionSettings settings, PublisherOptions options,
            const Clock& clock = SystemClock(), Random random = SystemRandom());
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // OK: `done` will be called. UNAVAILABLE (inbox full, stopping) and MESSAGE_TOO_LARGE: it will
  // not. Messages wait in the inbox while there is no connection.
  Status Publish(Message message, Done done);
  // The same for callers that wait.
  Expected<std::future<PublishOutcome>> Publish(Message message);

  PublisherHealth Health() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kilonova::amqp
