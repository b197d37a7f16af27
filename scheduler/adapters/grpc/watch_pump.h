// SPDX-License-Identifier: Apache-2.0
// Feeds any number of watching streams from one thread: a stream that has nothing to say costs no
// thread and no turn.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <thread>

namespace kilonova::scheduler::adapters::grpc {

// Something that is given a turn when it asked for one.
class Pumped {
 public:
  virtual ~Pumped() = default;
  virtual void Turn() = 0;     // on the pump's thread; short; never two at once
  virtual void Stopped() = 0;  // the pump has stopped: no turn comes any more

 private:
  friend class WatchPump;
  std::int64_t id_ = 0;
  bool queued_ = false;  // under the pump's mutex
};

// Thread-safe.
class WatchPump {
 public:
  // Everyone gets a turn at least every `idle`, for bookmarks.
  explicit WatchPump(std::chrono::milliseconds idle);
  ~WatchPump();  // Stop

  // Holds on to it until Remove, and asks for its first turn. 0 when the pump is stopped, which it
  // is then not told. shared: the pump's turn and the stream's end may meet.
  std::int64_t Add(std::shared_ptr<Pumped> pumped) ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove(std::int64_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  // Asks for a turn; nothing for one removed. By number, so that whoever wakes never holds the last
  // reference.
  void Wake(std::int64_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);  // no turn runs afterwards

 private:
  void Run();

  const std::chrono::milliseconds idle_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::int64_t, std::shared_ptr<Pumped>> all_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Pumped>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace kilonova::scheduler::adapters::grpc
