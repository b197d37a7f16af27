// SPDX-License-Identifier: Apache-2.0
// The ring of recent changes and those who read from it.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <deque>
#include <functional>
#include <set>

#include "common/base/clock.h"
#include "scheduler/core/store.h"
#include "scheduler/core/watch.h"

namespace kilonova::scheduler::core {

// The live instances last changed after some revision, in that order, and the revision they are the
// state of: taken in one moment.
struct LiveSince {
  struct Instance {
    std::int64_t revision = 0;
    std::int64_t id = 0;
  };
  std::vector<Instance> instances;
  std::int64_t as_of = 0;
};

class WatchHub final : public WatchSource {
 public:
  // Of those the filter names; its cursor says nothing.
  using LiveReader = std::function<LiveSince(std::int64_t after, const WatchFilter& wanted)>;
  WatchHub(Store& store, const Clock& clock, std::size_t ring, LiveReader live)
      : store_(store), clock_(clock), ring_size_(ring), live_(std::move(live)) {}

  // At load: nothing before `cursor` is in the ring; nothing up to `pruned_through` can be told.
  void Start(std::int64_t cursor, std::int64_t pruned_through);
  // A change, in the order of commits; on the committing thread.
  void Publish(InstancePtr instance);
  void SetPrunedThrough(std::int64_t revision);
  std::int64_t Cursor() const;
  void Stop();

  Expected<std::unique_ptr<Watch>> Subscribe(WatchFilter filter,
                                             std::function<void()> wake) override;

 private:
  class Subscription;
  friend class Subscription;

  Store& store_;
  const Clock& clock_;
  const std::size_t ring_size_;
  const LiveReader live_;
  mutable absl::Mutex mutex_;
  std::deque<InstancePtr> ring_ ABSL_GUARDED_BY(mutex_);
  std::int64_t ring_after_ ABSL_GUARDED_BY(mutex_) = 0;  // the ring holds all that came after it
  std::int64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t pruned_through_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<Subscription*> waiting_ ABSL_GUARDED_BY(mutex_);  // to be woken at the next change
};

}  // namespace kilonova::scheduler::core
