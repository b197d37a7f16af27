// SPDX-License-Identifier: Apache-2.0
// Takes messages from the host's queue, reads them, hands them to the agent and acknowledges once
// the agent has them on disk. What can never be read is rejected (and so dead-lettered), counted by
// reason and logged without its body; the agent goes on.
//
//   QueueReceiver receiver(broker, {.host = "node-1"}, agent);
//   receiver.StopTaking("draining");   // leaves what is not yet taken in the queue
//
// Thread rule: one thread for the connection (heartbeats), one that reads and journals. All methods
// from any thread. Destroy it before the sink.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/core/request_sink.h"
#include "common/base/clock.h"
#include "proto/amqp/consumer.h"
#include "proto/amqp/settings.h"

namespace kilonova::agent::adapters::queue {

struct QueueReceiverOptions {
  std::string host;
  // Replaces what docs/formats/queue.md says; for tests and other clouds.
  std::optional<amqp::ConsumerOptions> consumer;
  bool require_ticket = true;
  // Remembers across a crash which message was being read; "" = nothing does.
  std::filesystem::path reading_mark;
  // A message that ended the agent this often while it was read is refused unread. How often the
  // broker delivered it says nothing: lost connections count there, too.
  std::int64_t poison_after = 3;
};

struct QueueCounters {
  std::uint64_t received = 0, accepted = 0;
  std::map<std::string, std::uint64_t> refused;  // by reason
};

class QueueReceiver {
 public:
  QueueReceiver(amqp::ConnectionSettings broker, QueueReceiverOptions options,
                core::RequestSink& sink, const Clock& clock = SystemClock(),
                amqp::Random random = amqp::SystemRandom());
  // What was read by then is settled; the rest goes back to the queue.
  ~QueueReceiver();
  QueueReceiver(const QueueReceiver&) = delete;
  QueueReceiver& operator=(const QueueReceiver&) = delete;

  void StopTaking(std::string why);
  QueueCounters Counters() const;
  amqp::ConsumerHealth Health() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kilonova::agent::adapters::queue
