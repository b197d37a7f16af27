// SPDX-License-Identifier: Apache-2.0
// One connection with one channel, from login to loss. It is never repaired: after the first error
// it is thrown away and another one opened.
//
// Thread rule: everything on one thread, except Abort.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <amqp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "proto/amqp/message.h"
#include "proto/amqp/settings.h"
#include "proto/amqp/topology.h"

namespace kilonova::amqp {

// What the broker says by itself. Called from Connection::Pump.
class Events {
 public:
  virtual ~Events() = default;
  virtual void OnConfirm(std::uint64_t tag, bool multiple, bool taken) = 0;
  // `sequence` is what was given to Publish. Comes before the same message's OnConfirm.
  virtual void OnReturn(std::uint64_t sequence, std::string why) = 0;
  virtual void OnDelivery(Delivery delivery) = 0;  // token.session is the caller's to fill
  virtual void OnBlocked(bool blocked, std::string why) = 0;
};

class Connection {
 public:
  // Connects, logs in, opens the channel. Announces what this client understands, so that the
  // broker tells it of cancelled consumers and of being blocked.
  static Expected<std::unique_ptr<Connection>> Open(const ConnectionSettings& settings,
                                                    std::uint64_t max_body);
  ~Connection();

  Status Declare(const Topology& topology);
  Status SelectConfirms();
  Status Consume(const std::string& queue, std::uint16_t prefetch);

  // Persistent, mandatory. `sequence` comes back with a return.
  Status Publish(const Message& message, std::uint64_t sequence);
  Status Ack(std::uint64_t tag);
  Status Reject(std::uint64_t tag);  // without requeue

  // Tells of everything that has arrived, does not wait, sends a heartbeat when one is due. An
  // error means the connection is gone, the consumer was cancelled included.
  Status Pump(Events& events);
  // To wait on between two calls of Pump; at most HeartbeatPoll() long.
  int fd() const;
  std::chrono::milliseconds HeartbeatPoll() const;

  // Says goodbye properly, waiting briefly for the answer.
  void Close();
  // Any thread: makes whatever call is under way fail now.
  void Abort() ABSL_LOCKS_EXCLUDED(abort_mutex_);

 private:
  // A delivery or a return whose header and body are still coming.
  struct Incoming {
    enum class Kind { kNone, kDelivery, kReturn } kind = Kind::kNone;
    Delivery delivery;
    std::string why;  // of a return
    std::uint64_t received = 0;
    bool has_header = false;
  };

  Connection(ConnectionSettings settings, std::uint64_t max_body);
  Status Connect();
  Status OpenTls(amqp_socket_t** socket);
  Status Login();
  Status OnFrame(const amqp_frame_t& frame, Events& events);
  Status OnMethod(const amqp_method_t& method, Events& events);
  void OnHeader(const amqp_frame_t& frame, Events& events);
  void OnBody(const amqp_frame_t& frame, Events& events);
  void Finish(Events& events);
  Status Answer(std::string_view doing);

  const ConnectionSettings settings_;
  const std::uint64_t max_body_;
  amqp_connection_state_t state_ = nullptr;
  bool usable_ = false;  // worth a goodbye
  Incoming incoming_;

  absl::Mutex abort_mutex_;
  int abort_fd_ ABSL_GUARDED_BY(abort_mutex_) = -1;  // our own duplicate of the socket
};

}  // namespace kilonova::amqp
