// SPDX-License-Identifier: Apache-2.0
// Carries the outbox to the hosts' queues: publishes each row and gives it back as confirmed,
// returned (no queue) or failed. A row whose fate is not known is sent again with the same body,
// and so the same _unique_id; agents do it once.
//
//   OutboxRelay relay(broker, conductor->outbox());
//
// Thread rule: two threads of its own and the publisher's. Counters and Health from any thread.
// Destroy it before the outbox's owner, or after Outbox::Stop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/base/clock.h"
#include "proto/amqp/publisher.h"
#include "proto/amqp/settings.h"
#include "scheduler/core/outbox.h"

namespace kilonova::scheduler::adapters::amqp {

struct OutboxRelayOptions {
  kilonova::amqp::PublisherOptions publisher;
  std::size_t batch = 64;    // rows taken at once
  std::size_t window = 512;  // rows taken and not given back
  // Between two tries of messages the broker would not take.
  std::chrono::milliseconds nack_pause{500};
};

struct OutboxRelayCounters {
  std::uint64_t taken = 0, confirmed = 0, returned = 0, failed = 0;
  std::size_t open = 0;  // taken and not given back
};

class OutboxRelay {
 public:
  OutboxRelay(kilonova::amqp::ConnectionSettings broker, core::Outbox& outbox,
              OutboxRelayOptions options = {}, const Clock& clock = SystemClock(),
              kilonova::amqp::Random random = kilonova::amqp::SystemRandom());
  // Waits briefly for confirms under way; what stays open is given back as failed.
  ~OutboxRelay();
  OutboxRelay(const OutboxRelay&) = delete;
  OutboxRelay& operator=(const OutboxRelay&) = delete;

  OutboxRelayCounters Counters() const;
  kilonova::amqp::PublisherHealth Health() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kilonova::scheduler::adapters::amqp
