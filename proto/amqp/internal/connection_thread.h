// SPDX-License-Identifier: Apache-2.0
// The one thread that owns a connection to the broker: opens it, has it served until it is lost,
// waits, opens the next.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "proto/amqp/backoff.h"
#include "proto/amqp/internal/connection.h"
#include "proto/amqp/internal/wakeup.h"
#include "proto/amqp/settings.h"

namespace kilonova::amqp {

class ConnectionThread {
 public:
  // What is done with the connection; called on the thread.
  class Owner {
   public:
    virtual ~Owner() = default;
    // False: hold no connection for now. Asked again after Wake, and now and then.
    virtual bool WantsConnection() const { return true; }
    // From a connection just opened to its loss. OK: asked to stop, for now or for good.
    virtual Status Serve(const std::stop_token& stop, Connection& connection) = 0;
    // What ended, an attempt to connect included, has ended; `retry`: after an error, how long
    // until the next.
    virtual void OnEnded(const Status& why, std::optional<std::chrono::milliseconds> retry) = 0;
    // The last call: there will be no other connection.
    virtual void OnStopped() {}
  };

  // Starts the thread: the last thing that its owner, who is to outlive it, makes of itself.
  ConnectionThread(const ConnectionSettings& settings, std::uint64_t max_body,
                   Backoff::Limits backoff, Random random, const Clock& clock, Owner& owner);

  // Ends it: at most `grace` is left to it before the connection is torn down. Before the owner's
  // members go.
  void Stop(std::chrono::milliseconds grace) ABSL_LOCKS_EXCLUDED(mutex_);

  // Any thread: ends the wait under way, or the next one.
  void Wake() { wakeup_.Notify(); }

  // On the thread only. All is well: the next loss waits as little as the first.
  void ResetBackoff() { backoff_.Reset(); }
  // Until the connection's socket `fd` can be read, Wake, or `most` has passed.
  void Wait(int fd, std::chrono::milliseconds most) { wakeup_.Wait(fd, most); }

 private:
  void Run(const std::stop_token& stop);
  Status RunConnection(const std::stop_token& stop);
  void SetConnection(std::unique_ptr<Connection> connection) ABSL_LOCKS_EXCLUDED(mutex_);

  const ConnectionSettings& settings_;
  const std::uint64_t max_body_;
  const std::chrono::milliseconds backoff_cap_;
  const Clock& clock_;
  Owner& owner_;
  Wakeup wakeup_;
  Backoff backoff_;

  // Held by the thread only to swap, by Stop only to abort.
  absl::Mutex mutex_;
  std::unique_ptr<Connection> connection_ ABSL_GUARDED_BY(mutex_);

  absl::Notification ended_;
  std::jthread thread_;  // last: starts when everything else is there
};

}  // namespace kilonova::amqp
