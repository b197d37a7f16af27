// SPDX-License-Identifier: Apache-2.0
// Console queries on their way to a host and back: which answer belongs to which question, and what
// becomes of questions nobody answers. No gRPC.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/status.h"

namespace kilonova::scheduler::adapters::grpc {

struct ConsoleOutput {
  std::string output;
  bool truncated = false;
  std::vector<std::string> serial_consoles{};  // "host:port", by ordinal
};
using ConsoleCallback = std::function<void(Expected<ConsoleOutput>)>;

// Thread-safe. Every callback runs exactly once, on the thread that settles it, with no lock held.
class ConsoleBroker {
 public:
  explicit ConsoleBroker(const Clock& clock);
  ~ConsoleBroker();  // Stop

  // Registers a question to `host`'s session and returns its number, to be sent there.
  std::int64_t Ask(const Uuid& session, std::chrono::milliseconds deadline, ConsoleCallback done)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // An answer counts only from the session that was asked.
  void Answer(const Uuid& session, std::int64_t query_id, Expected<ConsoleOutput> output)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // All that was asked of it ends UNAVAILABLE/HOST_DOWN.
  void SessionEnded(const Uuid& session) ABSL_LOCKS_EXCLUDED(mutex_);
  // All end UNAVAILABLE.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Question {
    Uuid session;
    SteadyTime until;
    ConsoleCallback done;
  };
  void Expire(const std::stop_token& stop);

  const Clock& clock_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::int64_t, Question> questions_ ABSL_GUARDED_BY(mutex_);
  std::jthread expirer_;
};

}  // namespace kilonova::scheduler::adapters::grpc
