// SPDX-License-Identifier: Apache-2.0
// Where a message from the queue enters the agent. The queue adapter calls it from its own thread,
// once for every delivery, and does with the delivery what the verdict says.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

struct IncomingRequest {
  model::ComputeRequest request;
  std::string body;    // the inner oslo.message as it came; the journal keeps it
  std::string digest;  // SHA-256 (hex) of body
};

enum class Verdict {
  kAck,            // durable, or known already: acknowledge now
  kRefuse,         // never acceptable: reject without requeue, so that it is dead-lettered
  kJournalFailed,  // not durable: do not acknowledge, stop consuming; the agent is degraded
  kDraining,       // the agent is stopping: requeue, somebody takes it after the restart
};

struct SinkAnswer {
  Verdict verdict = Verdict::kAck;
  Status why;  // with kRefuse and kJournalFailed: the reason, for log and counter
};

class RequestSink {
 public:
  virtual ~RequestSink() = default;
  // Returns once the request is on disk; milliseconds. Any thread.
  virtual SinkAnswer Submit(const IncomingRequest& incoming) = 0;
  // Counts what the adapter refused by itself (a body it could not read): MESSAGE_MALFORMED... If
  // the details still say which request it was ("method", "instance", "generation", "request_id"),
  // that one is reported failed.
  virtual void CountRefused(const Status& why) = 0;
  // False while nothing can be received (no connection, or the probe found the consumer deaf):
  // becomes a degraded reason of the host report.
  virtual void SetReceiving(bool receiving, std::string_view why) = 0;
};

}  // namespace kilonova::agent::core
