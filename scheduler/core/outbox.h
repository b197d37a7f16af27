// SPDX-License-Identifier: Apache-2.0
// Two ports towards the queue. MessageEncoder turns a decision into bytes before it is stored;
// Outbox hands the stored messages to the relay that publishes them. Both by
// scheduler/adapters/amqp: it implements the first and drives the second (which the conductor
// implements).
//
// The relay's loop, on its own thread:
//   auto batch = outbox.Take(64, 1s);              // in order; empty after the wait
//   publish each, mandatory, persistent; wait for confirms and returns
//   outbox.Confirmed(ids that were confirmed and not returned);
//   outbox.Returned(ids that came back: no queue);
//   outbox.Failed(ids nacked, or all that are open when the connection broke);
// Every id taken is given back through exactly one of the three.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/model/requests.h"
#include "scheduler/core/records.h"

namespace kilonova::scheduler::core {

// A build for one host, complete: spec with admin_password, flavor, images, nics, claim, attempt,
// alternates.
struct BuildMessage {
  const model::BuildRequest& request;
  const InstanceRecord& instance;  // states, hints, availability zone as kept
  HostRef destination;
  std::string unique_id;   // 32 lower-case hex digits
  std::string request_id;  // "req-..."
};

struct ActionMessage {
  const model::ActionRequest& request;
  const InstanceRecord& instance;  // the whole object goes into Nova's `instance` argument
  std::string unique_id;
  std::string request_id;
};

class MessageEncoder {
 public:
  virtual ~MessageEncoder() = default;
  // The whole AMQP body: {"oslo.version": "2.0", "oslo.message": "..."}. Thread-safe, pure: the
  // same input gives the same bytes.
  virtual Expected<std::string> EncodeBuild(const BuildMessage& message) const = 0;
  virtual Expected<std::string> EncodeAction(const ActionMessage& message) const = 0;
};

class Outbox {
 public:
  virtual ~Outbox() = default;

  // Up to `most` messages nobody has taken, oldest first; of one instance only the oldest, so that
  // its messages never overtake each other. Waits up to `wait` for the first. Thread-safe.
  virtual std::vector<OutboxRow> Take(std::size_t most, std::chrono::milliseconds wait) = 0;
  // Ends a waiting Take at once, and every later one: for shutdown.
  virtual void Stop() = 0;

  // The broker has them: they are forgotten. The error is for the log; a row that could not be
  // forgotten is sent again (same unique_id) and does no harm.
  virtual Status Confirmed(std::span<const std::int64_t> ids) = 0;
  // No queue for the host. A build is placed elsewhere (HOST_UNROUTABLE); anything else waits,
  // with growing pauses, for the host to come back. May take a few commits.
  virtual void Returned(std::span<const std::int64_t> ids) = 0;
  // Not known to have arrived: offered again at once, in the old order.
  virtual void Failed(std::span<const std::int64_t> ids) = 0;

  virtual std::size_t Pending() const = 0;  // taken ones included
};

}  // namespace kilonova::scheduler::core
