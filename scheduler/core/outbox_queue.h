// SPDX-License-Identifier: Apache-2.0
// The order in which stored messages go out: per instance one after the other, else oldest first.
// Knows ids and destinations; bodies stay in the store until they are taken.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <functional>
#include <map>
#include <set>
#include <unordered_map>

#include "common/base/clock.h"
#include "scheduler/core/outbox.h"
#include "scheduler/core/store.h"

namespace kilonova::scheduler::core {

class OutboxQueue final : public Outbox {
 public:
  // Called, without a lock held, for each row the broker returned. True: dealt with (the row was
  // dropped from the store and Forget called); false: keep it and try again later.
  using ReturnedHandler = std::function<bool(const OutboxRow&)>;

  OutboxQueue(Store& store, const Clock& clock) : store_(store), clock_(clock) {}
  void OnReturned(ReturnedHandler handler) { returned_ = std::move(handler); }

  // A row became durable. Its body is not kept.
  void Add(const OutboxRow& row);
  // Takes a row out of the relay's reach if it was not taken yet; Reinstate gives it back, Forget
  // ends it.
  bool Withdraw(std::int64_t id);
  void Reinstate(std::int64_t id);
  void Forget(std::int64_t id);
  // Rows of an instance that wait, oldest first, taken ones included.
  std::vector<OutboxRow> Of(const Uuid& instance) const;
  // Offers again what waited long enough.
  void Tick();
  // Offers at once what waits for this host.
  void HostIsBack(const std::string& host);

  std::vector<OutboxRow> Take(std::size_t most, std::chrono::milliseconds wait) override;
  void Stop() override;
  Status Confirmed(std::span<const std::int64_t> ids) override;
  void Returned(std::span<const std::int64_t> ids) override;
  void Failed(std::span<const std::int64_t> ids) override;
  std::size_t Pending() const override;

 private:
  struct Entry {
    OutboxRow row;
    bool out = false;  // taken or withdrawn
    bool paused = false;
    SteadyTime not_before{};
    int returns = 0;
  };
  bool Ready() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopped_ || !ready_.empty(); }
  // Puts the instance's first row among the ready ones if it may go.
  void Offer(const Uuid& instance) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Erase(std::int64_t id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Pause(std::int64_t id);

  Store& store_;
  const Clock& clock_;
  ReturnedHandler returned_;
  mutable absl::Mutex mutex_;
  std::unordered_map<std::int64_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<Uuid, std::set<std::int64_t>> by_instance_ ABSL_GUARDED_BY(mutex_);
  std::set<std::int64_t> ready_ ABSL_GUARDED_BY(mutex_);
  std::set<std::int64_t> paused_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace kilonova::scheduler::core
