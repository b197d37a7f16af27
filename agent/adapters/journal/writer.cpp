// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/journal/writer.h"

#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <utility>

#include "common/base/log.h"

namespace kilonova::agent::adapters::journal {
namespace {

Status Failure(std::string_view operator_text) {
  return Error(Code::kUnavailable, reason::kJournalFailed, "the host's journal cannot be written",
               {{kOperatorDetail, std::string(operator_text)}});
}

void RunAll(SQLite::Database& db, const std::vector<Writer::Change>& changes) {
  SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
  for (const Writer::Change& change : changes) change(db);
  transaction.commit();
}

// A checkpoint that fails changes nothing: what is in the log stays in it.
void Fold(SQLite::Database& db) {
  try {
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (const SQLite::Exception& e) {
    LogDebug("the journal's log stays", {F("what", e.what())});
  }
}

}  // namespace

Writer::Writer(SQLite::Database db, Reserve reserve)
    : db_(std::move(db)), reserve_(std::move(reserve)), thread_([this] { Loop(); }) {}

Writer::~Writer() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

bool Writer::Failed() const {
  const absl::MutexLock lock(&mutex_);
  return failed_;
}

void Writer::FoldLog() {
  const absl::MutexLock lock(&mutex_);
  fold_ = true;
}

Status Writer::Run(Change change) {
  Work work{change, OkStatus()};
  absl::MutexLock lock(&mutex_);
  if (failed_) return Failure("an earlier write failed");
  waiting_.push_back(&work);
  mutex_.Await(absl::Condition(&work.done));
  return std::move(work.status);
}

void Writer::Loop() {
  while (true) {
    std::vector<Work*> batch;
    bool fold = false;
    {
      absl::MutexLock lock(&mutex_);
      const auto something = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || fold_ || !waiting_.empty();
      };
      mutex_.Await(absl::Condition(&something));
      if (waiting_.empty() && !fold_) return;
      batch.swap(waiting_);
      fold = std::exchange(fold_, false) && !failed_;
    }
    if (fold) Fold(db_);
    if (batch.empty()) continue;
    const std::string failure = Commit(batch);
    const absl::MutexLock lock(&mutex_);
    if (!failure.empty()) {
      failed_ = true;
      for (Work* late : waiting_) batch.push_back(late);
      waiting_.clear();
    }
    for (Work* work : batch) {
      // A status of its own for each: absl counts references where ThreadSanitizer cannot see it.
      if (!failure.empty()) work->status = Failure(failure);
      work->done = true;
    }
  }
}

std::string Writer::Commit(const std::vector<Work*>& batch) {
  std::vector<Change> changes;
  changes.reserve(batch.size());
  for (const Work* work : batch) changes.push_back(work->change);
  try {
    try {
      RunAll(db_, changes);
    } catch (const SQLite::Exception& e) {
      if (e.getErrorCode() != SQLITE_FULL || !reserve_.Release()) throw;
      LogError("the disk is full: the journal goes on in its reserve", {F("what", e.what())});
      RunAll(db_, changes);
    }
  } catch (const SQLite::Exception& e) {
    LogError("the journal failed for good", {F("what", e.what()), F("code", e.getErrorCode()),
                                             F("extended", e.getExtendedErrorCode())});
    return std::string("write: ") + e.what();
  }
  return "";
}

}  // namespace kilonova::agent::adapters::journal
