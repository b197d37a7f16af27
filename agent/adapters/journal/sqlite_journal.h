// SPDX-License-Identifier: Apache-2.0
// core::Journal in one SQLite file (docs/formats/journal.md). One thread writes; what several ask
// for at once shares a transaction and its fsync. Reads have a connection of their own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "agent/core/journal.h"
#include "common/base/clock.h"

namespace kilonova::agent::adapters::journal {

struct JournalOptions {
  std::filesystem::path file;
  std::filesystem::path reserve;                      // "" = none
  std::uint64_t reserve_bytes = 64ULL * 1024 * 1024;  // given up when the disk is full
};

class SqliteJournal final : public core::Journal {
 public:
  // Creates or opens and checks it. JOURNAL_FAILED when it is damaged, of a newer version, or
  // cannot be written. `clock` outlives the journal.
  static Expected<std::unique_ptr<SqliteJournal>> Open(const JournalOptions& options,
                                                       const Clock& clock);
  ~SqliteJournal() override;

  Expected<core::AcceptResult> Accept(core::JournalEntry& entry) override;
  Expected<core::Starts> MarkRunning(std::int64_t id) override;
  Status Checkpoint(std::int64_t id) override;
  Status Advance(std::int64_t id, int reached) override;
  Status Settle(std::int64_t id) override;
  Status Complete(const Completion& completion) override;
  Expected<std::vector<core::JournalEntry>> Unfinished() override;
  Expected<core::JournalEntry> Entry(std::int64_t id) override;
  Expected<std::vector<core::InstanceRecord>> Instances() override;
  Expected<std::optional<core::InstanceRecord>> Instance(const Uuid& uuid) override;
  Expected<std::vector<model::StateReport>> PendingReports(std::int64_t after_seq,
                                                           std::size_t most) override;
  Status AckReports(std::int64_t up_to_seq) override;
  const std::string& JournalId() const override;
  Status RepeatReport(const std::string& unique_id) override;
  Health CheckHealth() const override;
  Status Prune(WallTime before) override;

 private:
  struct State;
  explicit SqliteJournal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kilonova::agent::adapters::journal
