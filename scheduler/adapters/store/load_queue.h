// SPDX-License-Identifier: Apache-2.0
// What a start reads on its way from the thread that reads the database to the one that builds the
// state of it: some rows at a time, in a few batches that are used over and over.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/core/store.h"

namespace kilonova::scheduler::adapters {

// Rows in the order LoadVisitor names; what their views look at goes with them.
class LoadBatch {
 public:
  std::optional<core::Snapshot> begin;
  std::vector<std::pair<core::HostRow, core::HostKindPtr>> hosts;
  std::vector<core::LiveRow> live;
  std::vector<std::pair<core::UuidKey, std::string_view>> addresses;  // each with its network
  std::vector<std::pair<std::string_view, WallTime>> requests;
  std::deque<core::HardwareUse> hardware;

  // A copy that lasts until Clear.
  std::string_view Keep(std::string_view text);
  std::span<const core::PortRow> Keep(std::span<const core::PortRow> ports);

  Status HandTo(core::LoadVisitor& to);
  void Clear();

 private:
  static constexpr std::size_t kUsual = 64 << 10;
  std::unique_ptr<std::byte[]> usual_ = std::make_unique<std::byte[]>(kUsual);
  std::pmr::monotonic_buffer_resource kept_{usual_.get(), kUsual};
};

// One thread fills, one takes.
class LoadQueue {
 public:
  LoadQueue();

  // An empty batch, waited for; null: nobody takes any more.
  std::unique_ptr<LoadBatch> Empty();
  void Fill(std::unique_ptr<LoadBatch> batch);
  // No more follow; why, when it is not that all was read.
  void End(Status status);

  // The next batch, waited for; null: there are no more.
  std::unique_ptr<LoadBatch> Take();
  void GiveBack(std::unique_ptr<LoadBatch> batch);
  void Cancel();
  // After Take returned null.
  Status status() const;

 private:
  bool HasEmpty() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return cancelled_ || !empty_.empty(); }
  bool HasFilled() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ended_ || !filled_.empty(); }

  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<LoadBatch>> empty_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::unique_ptr<LoadBatch>> filled_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::scheduler::adapters
