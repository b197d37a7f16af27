// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/outbox_queue.h"

#include <absl/time/time.h>

#include <algorithm>
#include <utility>

#include "common/base/failpoint.h"
#include "common/base/log.h"

namespace kilonova::scheduler::core {

void OutboxQueue::Add(const OutboxRow& row) {
  absl::MutexLock lock(&mutex_);
  Entry& entry = entries_[row.id];
  entry.row = row;
  entry.row.body.clear();
  by_instance_[row.instance].insert(row.id);
  Offer(row.instance);
}

void OutboxQueue::Offer(const Uuid& instance) {
  const auto rows = by_instance_.find(instance);
  if (rows == by_instance_.end()) return;
  const std::int64_t first = *rows->second.begin();
  const Entry& entry = entries_.at(first);
  if (!entry.out && !entry.paused) ready_.insert(first);
}

void OutboxQueue::Erase(std::int64_t id) {
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) return;
  const Uuid instance = entry->second.row.instance;
  entries_.erase(entry);
  ready_.erase(id);
  paused_.erase(id);
  auto& rows = by_instance_[instance];
  rows.erase(id);
  if (rows.empty()) {
    by_instance_.erase(instance);
  } else {
    Offer(instance);
  }
}

bool OutboxQueue::Withdraw(std::int64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end() || entry->second.out) return false;
  entry->second.out = true;
  ready_.erase(id);
  return true;
}

void OutboxQueue::Reinstate(std::int64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) return;
  entry->second.out = false;
  Offer(entry->second.row.instance);
}

void OutboxQueue::Forget(std::int64_t id) {
  absl::MutexLock lock(&mutex_);
  Erase(id);
}

std::vector<OutboxRow> OutboxQueue::Of(const Uuid& instance) const {
  absl::MutexLock lock(&mutex_);
  std::vector<OutboxRow> rows;
  const auto found = by_instance_.find(instance);
  if (found == by_instance_.end()) return rows;
  for (std::int64_t id : found->second) rows.push_back(entries_.at(id).row);
  return rows;
}

void OutboxQueue::Tick() {
  const SteadyTime now = clock_.Steady();
  absl::MutexLock lock(&mutex_);
  std::vector<std::int64_t> due;
  for (std::int64_t id : paused_) {
    if (entries_.at(id).not_before <= now) due.push_back(id);
  }
  for (std::int64_t id : due) {
    paused_.erase(id);
    entries_.at(id).paused = false;
    Offer(entries_.at(id).row.instance);
  }
}

void OutboxQueue::HostIsBack(const std::string& host) {
  absl::MutexLock lock(&mutex_);
  std::vector<std::int64_t> due;
  for (std::int64_t id : paused_) {
    if (entries_.at(id).row.host == host) due.push_back(id);
  }
  for (std::int64_t id : due) {
    paused_.erase(id);
    entries_.at(id).paused = false;
    Offer(entries_.at(id).row.instance);
  }
}

std::vector<OutboxRow> OutboxQueue::Take(std::size_t most, std::chrono::milliseconds wait) {
  std::vector<OutboxRow> taken;
  {
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(this, &OutboxQueue::Ready), absl::FromChrono(wait));
    if (stopped_) return taken;
    while (!ready_.empty() && taken.size() < most) {
      Entry& entry = entries_.at(*ready_.begin());
      ready_.erase(ready_.begin());
      entry.out = true;
      taken.push_back(entry.row);
    }
  }
  std::vector<std::int64_t> unread;
  for (OutboxRow& row : taken) {
    Expected<std::string> body = store_.OutboxBody(row.id);
    if (body.ok()) {
      row.body = *std::move(body);
      continue;
    }
    LogError("cannot read a message to send",
             {F("instance", row.instance), F("error", body.status())});
    unread.push_back(row.id);
  }
  if (unread.empty()) return taken;
  std::erase_if(taken,
                [&](const OutboxRow& row) { return std::ranges::count(unread, row.id) > 0; });
  for (std::int64_t id : unread) Pause(id);
  return taken;
}

void OutboxQueue::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
}

Status OutboxQueue::Confirmed(std::span<const std::int64_t> ids) {
  if (ids.empty()) return OkStatus();
  std::vector<Op> ops;
  for (std::int64_t id : ids) ops.emplace_back(DropOutbox{id});
  FAILPOINT("scheduler.outbox.before");
  const auto committed = store_.Commit(std::move(ops));
  FAILPOINT("scheduler.outbox.after");
  if (!committed.ok()) {
    // Sent, and yet there: after some rest it goes out again under the same id.
    for (std::int64_t id : ids) Pause(id);
    return committed.status();
  }
  absl::MutexLock lock(&mutex_);
  for (std::int64_t id : ids) Erase(id);
  return OkStatus();
}

void OutboxQueue::Returned(std::span<const std::int64_t> ids) {
  for (std::int64_t id : ids) {
    OutboxRow row;
    {
      absl::MutexLock lock(&mutex_);
      const auto entry = entries_.find(id);
      if (entry == entries_.end()) continue;
      row = entry->second.row;
    }
    LogWarn("no queue takes the message",
            {F("host", row.host), F("instance", row.instance), F("method", row.method)});
    if (!returned_ || !returned_(row)) Pause(id);
  }
}

void OutboxQueue::Pause(std::int64_t id) {
  const SteadyTime now = clock_.Steady();
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  const int doublings = std::min(entry.returns++, 5);
  entry.out = false;
  entry.paused = true;
  entry.not_before = now + std::chrono::seconds(1 << doublings);  // 1 s to 32 s
  paused_.insert(id);
}

void OutboxQueue::Failed(std::span<const std::int64_t> ids) {
  absl::MutexLock lock(&mutex_);
  for (std::int64_t id : ids) {
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) continue;
    entry->second.out = false;
    Offer(entry->second.row.instance);
  }
}

std::size_t OutboxQueue::Pending() const {
  absl::MutexLock lock(&mutex_);
  return entries_.size();
}

}  // namespace kilonova::scheduler::core
