// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_journal.h"

#include <algorithm>

#include "common/base/failpoint.h"

namespace kilonova::testing {

using agent::core::AcceptResult;
using agent::core::EntryState;
using agent::core::InstanceRecord;
using agent::core::JournalEntry;
using agent::core::Starts;

namespace {

Status NoSuchEntry() { return Error(Code::kNotFound, reason::kInternal, "no such entry"); }

bool Open(const JournalEntry& entry) {
  return entry.state == EntryState::kAccepted || entry.state == EntryState::kRunning;
}

}  // namespace

Status FakeJournal::Writable() const {
  if (!broken_) return OkStatus();
  return Error(Code::kUnavailable, reason::kJournalFailed, "the host's journal cannot be written");
}

Expected<AcceptResult> FakeJournal::Accept(JournalEntry& entry) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Writable());
  for (const Row& row : rows_) {
    if (row.entry.unique_id != entry.unique_id) continue;
    return row.entry.digest == entry.digest ? AcceptResult::kDuplicate : AcceptResult::kConflict;
  }
  const auto dead = tombstones_.find(entry.instance_uuid);
  if (entry.method == "build_and_run_instance" && dead != tombstones_.end() &&
      dead->second >= entry.generation) {
    return AcceptResult::kTombstone;
  }
  entry.id = static_cast<std::int64_t>(rows_.size()) + 1;
  rows_.push_back({entry});
  return AcceptResult::kNew;
}

Expected<Starts> FakeJournal::MarkRunning(std::int64_t id) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Writable());
  if (id < 1 || id > static_cast<std::int64_t>(rows_.size())) return NoSuchEntry();
  Row& row = rows_[static_cast<std::size_t>(id - 1)];
  row.entry.state = EntryState::kRunning;
  return Starts{++row.entry.starts, ++row.begun, row.reached};
}

Status FakeJournal::Checkpoint(std::int64_t id) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Writable());
  Row& row = rows_.at(static_cast<std::size_t>(id - 1));
  if (row.entry.state != EntryState::kRunning) return OkStatus();
  row.entry.state = EntryState::kAccepted;
  row.entry.starts = std::max<std::int64_t>(row.entry.starts - 1, 0);
  row.begun = std::max<std::int64_t>(row.begun - 1, 0);
  return OkStatus();
}

void FakeJournal::Reach(std::int64_t id, int reached) {
  Row& row = rows_.at(static_cast<std::size_t>(id - 1));
  if (row.entry.state != EntryState::kRunning || reached <= row.reached) return;
  row.reached = reached;
  row.entry.starts = row.begun = 1;
}

Status FakeJournal::Advance(std::int64_t id, int reached) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Writable());
  Reach(id, reached);
  return OkStatus();
}

Status FakeJournal::Settle(std::int64_t id) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Writable());
  JournalEntry& entry = rows_.at(static_cast<std::size_t>(id - 1)).entry;
  if (Open(entry)) entry.starts = std::max<std::int64_t>(entry.starts - 1, 0);
  return OkStatus();
}

void FakeJournal::Add(std::int64_t entry_id, model::StateReport report) {
  report.seq = next_seq_++;
  if (entry_id != 0) rows_.at(static_cast<std::size_t>(entry_id - 1)).last_seq = report.seq;
  reports_.push_back({std::move(report), entry_id, false});
}

Status FakeJournal::Complete(const Completion& completion) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Writable());
  if (completion.entry_id != 0 && completion.reached > 0) {
    Reach(completion.entry_id, completion.reached);
  }
  if (completion.entry_id != 0 && completion.state != EntryState::kRunning) {
    JournalEntry& entry = rows_.at(static_cast<std::size_t>(completion.entry_id - 1)).entry;
    entry.state = completion.state;
    entry.body.clear();
  }
  if (completion.remove) {
    instances_.erase(*completion.remove);
    if (completion.tombstone_generation) {
      std::int64_t& dead = tombstones_[*completion.remove];
      dead = std::max(dead, *completion.tombstone_generation);
    }
  }
  if (completion.upsert) instances_[completion.upsert->uuid] = *completion.upsert;
  if (completion.report) Add(completion.entry_id, *completion.report);
  return OkStatus();
}

Expected<std::vector<JournalEntry>> FakeJournal::Unfinished() {
  const absl::MutexLock lock(&mutex_);
  std::vector<JournalEntry> entries;
  for (const Row& row : rows_) {
    if (!Open(row.entry)) continue;
    entries.push_back(row.entry);
    entries.back().body.clear();
  }
  return entries;
}

Expected<JournalEntry> FakeJournal::Entry(std::int64_t id) {
  const absl::MutexLock lock(&mutex_);
  if (id < 1 || id > static_cast<std::int64_t>(rows_.size())) return NoSuchEntry();
  return rows_[static_cast<std::size_t>(id - 1)].entry;
}

Expected<std::vector<InstanceRecord>> FakeJournal::Instances() {
  const absl::MutexLock lock(&mutex_);
  std::vector<InstanceRecord> records;
  for (const auto& [uuid, record] : instances_) {
    records.push_back(record);
    records.back().build_body.clear();
  }
  return records;
}

Expected<std::optional<InstanceRecord>> FakeJournal::Instance(const Uuid& uuid) {
  const absl::MutexLock lock(&mutex_);
  const auto it = instances_.find(uuid);
  if (it == instances_.end()) return std::optional<InstanceRecord>();
  return std::optional<InstanceRecord>(it->second);
}

Expected<std::vector<model::StateReport>> FakeJournal::PendingReports(std::int64_t after_seq,
                                                                      std::size_t most) {
  const absl::MutexLock lock(&mutex_);
  std::vector<model::StateReport> pending;
  for (const Sent& sent : reports_) {
    if (!sent.acked && sent.report.seq > after_seq && pending.size() < most) {
      pending.push_back(sent.report);
    }
  }
  return pending;
}

Status FakeJournal::AckReports(std::int64_t up_to_seq) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Writable());
  for (Sent& sent : reports_) {
    if (sent.report.seq <= up_to_seq) sent.acked = true;
  }
  return OkStatus();
}

Status FakeJournal::RepeatReport(const std::string& unique_id) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Writable());
  for (const Row& row : rows_) {
    if (row.entry.unique_id != unique_id || Open(row.entry)) continue;
    for (const Sent& sent : reports_) {
      if (sent.report.seq != row.last_seq || !sent.acked) continue;
      Add(sent.entry_id, model::StateReport(sent.report));
      return OkStatus();
    }
  }
  return OkStatus();
}

agent::core::Journal::Health FakeJournal::CheckHealth() const {
  const absl::MutexLock lock(&mutex_);
  return {!broken_, true};
}

Status FakeJournal::Prune(WallTime) {
  const absl::MutexLock lock(&mutex_);
  return Writable();
}

void FakeJournal::Break() {
  const absl::MutexLock lock(&mutex_);
  broken_ = true;
}

}  // namespace kilonova::testing
