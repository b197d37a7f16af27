// SPDX-License-Identifier: Apache-2.0
// Changes of instances, in the order they became durable, for any number of watchers.
//
//   ASSIGN_OR_RETURN(auto watch, hub.Subscribe({.cursor = 0}, [] { WakeStream(); }));
//   ASSIGN_OR_RETURN(auto events, watch->Next(100, 0ms));   // empty: wait to be woken, ask again
//
// A watcher costs a position, not a queue: recent changes are in one shared ring, and whoever fell
// behind it is brought forward from the instances themselves, each once, as it is now, in the order
// of the last changes. So a slow watcher may miss states an instance has left again, never an
// instance, and never sees one go back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/records.h"

namespace kilonova::scheduler::core {

struct WatchFilter {
  std::int64_t cursor = 0;      // what came after it; 0 = begin with the present set
  std::vector<Uuid> instances;  // empty = all
  std::string project_id;       // "" = any
};

struct WatchEvent {
  // Resume here. 0 within the present set, which cannot be resumed half way.
  std::int64_t cursor = 0;
  InstancePtr instance;   // null in a bookmark
  bool initial = false;   // part of the present set
  bool bookmark = false;  // once after the present set, then at least every 30 s of Next calls
};

class Watch {
 public:
  // Ends the subscription; no wake runs afterwards. Must happen before the conductor goes.
  virtual ~Watch() = default;
  // Up to `most` events; waits up to `wait` when there are none. OUT_OF_RANGE/CURSOR_EXPIRED when
  // what comes next is no longer kept, UNAVAILABLE when the scheduler stops. One caller at a time.
  virtual Expected<std::vector<WatchEvent>> Next(std::size_t most,
                                                 std::chrono::milliseconds wait) = 0;
};

class WatchSource {
 public:
  virtual ~WatchSource() = default;
  // `wake` (may be empty) is called when there is something after Next had found nothing; quick, on
  // the committing thread, never while Subscribe runs. OUT_OF_RANGE/CURSOR_EXPIRED for a cursor
  // from before what is kept; INVALID_ARGUMENT for one from the future.
  virtual Expected<std::unique_ptr<Watch>> Subscribe(WatchFilter filter,
                                                     std::function<void()> wake) = 0;
};

}  // namespace kilonova::scheduler::core
