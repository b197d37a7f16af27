// SPDX-License-Identifier: Apache-2.0
// One agent's stream, as the rest of the service sees it, and the list of those that are welcome.
// No gRPC.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"

namespace kilonova::v1 {
class SessionResponse;
}

namespace kilonova::scheduler::adapters::grpc {

using SharedResponse = std::shared_ptr<const v1::SessionResponse>;  // one for many sessions

class AgentSession {
 public:
  virtual ~AgentSession() = default;
  // Queues; the session ends when its agent does not read. Any thread.
  virtual void Send(SharedResponse message) = 0;
  virtual void End(const Status& status) = 0;  // once is enough; any thread
  virtual const Uuid& id() const = 0;          // of its Welcome
};

// Which session speaks for a host now. Thread-safe.
class SessionRegistry {
 public:
  using Session = std::shared_ptr<AgentSession>;
  // The one that was there before, to be ended.
  Session Replace(const std::string& host, Session session) ABSL_LOCKS_EXCLUDED(mutex_);
  // Only if it is still this one.
  void Remove(const std::string& host, const Session& session) ABSL_LOCKS_EXCLUDED(mutex_);
  Session Find(const std::string& host) const ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<Session> All() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, Session, std::less<>> sessions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::scheduler::adapters::grpc
