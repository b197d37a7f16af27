// SPDX-License-Identifier: Apache-2.0
// The journal in memory: what it holds survives the agent that used it, as a file would. Passes the
// contract test of the real one. Thread-safe.
#pragma once

#include <absl/synchronization/mutex.h>

#include <map>
#include <string>
#include <vector>

#include "agent/core/journal.h"

namespace kilonova::testing {

class FakeJournal final : public agent::core::Journal {
 public:
  Expected<agent::core::AcceptResult> Accept(agent::core::JournalEntry& entry) override;
  Expected<agent::core::Starts> MarkRunning(std::int64_t id) override;
  Status Checkpoint(std::int64_t id) override;
  Status Advance(std::int64_t id, int reached) override;
  Status Settle(std::int64_t id) override;
  Status Complete(const Completion& completion) override;
  Expected<std::vector<agent::core::JournalEntry>> Unfinished() override;
  Expected<agent::core::JournalEntry> Entry(std::int64_t id) override;
  Expected<std::vector<agent::core::InstanceRecord>> Instances() override;
  Expected<std::optional<agent::core::InstanceRecord>> Instance(const Uuid& uuid) override;
  Expected<std::vector<model::StateReport>> PendingReports(std::int64_t after_seq,
                                                           std::size_t most) override;
  Status AckReports(std::int64_t up_to_seq) override;
  const std::string& JournalId() const override { return id_; }
  Status RepeatReport(const std::string& unique_id) override;
  Health CheckHealth() const override;
  Status Prune(WallTime before) override;

  // From now on every write fails, as after a failed fsync.
  void Break();

 private:
  struct Row {
    agent::core::JournalEntry entry;
    std::int64_t last_seq = 0;
    std::int64_t begun = 0;
    int reached = 0;
  };
  struct Sent {
    model::StateReport report;
    std::int64_t entry_id = 0;
    bool acked = false;
  };
  Status Writable() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void Reach(std::int64_t id, int reached) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Add(std::int64_t entry_id, model::StateReport report) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string id_ = Uuid::Random().str();
  mutable absl::Mutex mutex_;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  std::int64_t next_seq_ ABSL_GUARDED_BY(mutex_) = 1;
  std::vector<Row> rows_ ABSL_GUARDED_BY(mutex_);
  std::map<Uuid, agent::core::InstanceRecord> instances_ ABSL_GUARDED_BY(mutex_);
  std::map<Uuid, std::int64_t> tombstones_ ABSL_GUARDED_BY(mutex_);
  std::vector<Sent> reports_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::testing
