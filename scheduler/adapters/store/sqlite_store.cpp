// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/sqlite_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "scheduler/adapters/store/open.h"
#include "scheduler/adapters/store/reader.h"
#include "scheduler/adapters/store/writer.h"

namespace kilonova::scheduler::adapters {
namespace {

using core::CommitCallback;
using core::CommitInfo;

struct Unit {
  std::vector<PreparedOp> ops;
  CommitCallback done;
};

// After these nobody can say what is on disk: only a restart can.
bool IsFatal(int code) {
  switch (code & 0xFF) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return true;
    default:
      return false;
  }
}

// The failpoints are about requests being accepted, not about whatever else is written.
bool AcceptsRequest(const std::vector<Unit>& units) {
  for (const Unit& unit : units) {
    for (const PreparedOp& op : unit.ops) {
      if (std::holds_alternative<core::PutRequest>(op.op)) return true;
    }
  }
  return false;
}

// Why a transaction did not happen. Each waiter gets a Status of its own made from it.
struct Failure {
  std::string text = "the scheduler's database did not take the change";
  std::string operator_text;
  Status Make(Code code = Code::kUnavailable, Reason why = reason::kUnavailable) const {
    return Error(code, why, text, {{kOperatorDetail, operator_text}});
  }
};

Status FromException(const SQLite::Exception& e) {
  const Failure failure{.operator_text = e.what()};
  const bool conflict = (e.getErrorCode() & 0xFF) == SQLITE_CONSTRAINT;
  return conflict ? failure.Make(Code::kAlreadyExists, reason::kInternal) : failure.Make();
}

class SqliteStore final : public core::Store {
 public:
  SqliteStore(OpenDatabase open, SqliteStoreOptions options)
      : options_(std::move(options)),
        lock_(std::move(open.lock)),
        db_(std::move(open.writer)),
        writer_(std::make_unique<UnitWriter>(*db_)),
        reader_(std::move(open.reader)),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {
    if (open.unchecked)
      checker_ = std::jthread([this](const std::stop_token& stop) { Check(stop); });
  }

  ~SqliteStore() override {
    thread_.request_stop();
    checker_.request_stop();
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    if (checker_.joinable()) checker_.join();
    thread_.join();
    // Folds the log into the file, so that what was deleted is gone from both.
    sqlite3_wal_checkpoint_v2(db_->getHandle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr,
                              nullptr);
  }

  void Submit(std::vector<core::Op> ops, CommitCallback done) override {
    Unit unit;
    unit.done = std::move(done);
    unit.ops.reserve(ops.size());
    for (core::Op& op : ops) unit.ops.push_back(Prepare(std::move(op)));
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &SqliteStore::HasRoom));
      if (!stopping_) {
        waiting_.push_back(std::move(unit));
        return;
      }
    }
    unit.done(Error(Code::kUnavailable, reason::kUnavailable, "the scheduler is stopping"));
  }

  Status Health() const override {
    if (!failed_) return OkStatus();
    return Error(Code::kDataLoss, reason::kUnavailable,
                 "the scheduler's database failed; it must be restarted");
  }

  Status Load(core::LoadVisitor& to) override {
    Status loaded = reader_.Load(to);
    absl::MutexLock lock(&mutex_);
    loaded_ = true;
    return loaded;
  }
  Expected<core::InstancePtr> Instance(const Uuid& uuid) override { return reader_.Instance(uuid); }
  Expected<std::vector<core::InstancePtr>> Instances(std::span<const std::int64_t> ids) override {
    return reader_.Instances(ids);
  }
  Expected<std::optional<core::RequestRow>> Request(const std::string& request_id) override {
    return reader_.Request(request_id);
  }
  Expected<core::InstancePtr> DeletedInstance(const Uuid& uuid) override {
    return reader_.DeletedInstance(uuid);
  }
  Expected<std::vector<core::InstancePtr>> DeletedInstances(
      const core::DeletedQuery& query) override {
    return reader_.DeletedInstances(query);
  }
  Expected<std::vector<core::InstancePtr>> DeletedSince(std::int64_t after, std::int64_t up_to,
                                                        std::size_t most) override {
    return reader_.DeletedSince(after, up_to, most);
  }
  Expected<std::string> OutboxBody(std::int64_t id) override { return reader_.OutboxBody(id); }
  Expected<std::string> AdminPassword(const Uuid& instance) override {
    return reader_.AdminPassword(instance);
  }

 private:
  bool MayCheck() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || loaded_; }

  // A large database is checked while it serves: after it is loaded and behind all other work, as
  // nobody waits for it. What is found damaged ends it.
  void Check(const std::stop_token& stop) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &SqliteStore::MayCheck));
      if (stopping_) return;
    }
    // Of this thread alone. One that may not be nicer runs as it is.
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19));
    try {
      SQLite::Database db(options_.path, SQLite::OPEN_READONLY);
      sqlite3_progress_handler(
          db.getHandle(), 100'000,
          [](void* token) {
            return static_cast<const std::stop_token*>(token)->stop_requested() ? 1 : 0;
          },
          const_cast<std::stop_token*>(&stop));
      const std::string found = QuickCheck(db);
      if (found == "ok") {
        LogInfo("database checked", {F("file", options_.path)});
        return;
      }
      LogError("database is damaged; restore it from a backup",
               {F("file", options_.path), F("found", found)});
      failed_ = true;
    } catch (const SQLite::Exception& e) {
      if (stop.stop_requested()) return;
      LogError("database cannot be checked", {F("file", options_.path), F("error", e.what())});
      failed_ = failed_ || IsFatal(e.getExtendedErrorCode());
    }
  }

  bool HasRoom() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || waiting_.size() < options_.most_units_waiting;
  }
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !waiting_.empty(); }

  void Run(const std::stop_token&) {
    std::vector<Unit> units;
    while (true) {
      {
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(this, &SqliteStore::HasWork));
        if (waiting_.empty()) return;  // stopping, and all that was accepted is written
        while (!waiting_.empty() && units.size() < options_.most_units_per_commit) {
          units.push_back(std::move(waiting_.front()));
          waiting_.pop_front();
        }
      }
      CommitTogether(units);
      units.clear();
    }
  }

  void CommitTogether(std::vector<Unit>& units) {
    std::vector<Expected<CommitInfo>> results(units.size(), CommitInfo{});
    if (failed_ && !failure_) failure_ = {.text = "the scheduler's database is damaged"};
    const std::optional<Failure> failure = failure_ ? failure_ : Write(units, results);
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (failure && (results[i].ok() || failure_)) results[i] = failure->Make();
      units[i].done(std::move(results[i]));
    }
  }

  // The whole transaction; on failure nothing of it happened (or the store is over: failure_).
  std::optional<Failure> Write(const std::vector<Unit>& units,
                               std::vector<Expected<CommitInfo>>& results) {
    try {
      db_->exec("BEGIN IMMEDIATE");
      for (std::size_t i = 0; i < units.size(); ++i) {
        results[i] = WriteUnit(units[i]);
        // Some errors (a full disk) end the whole transaction, not only the statement.
        if (sqlite3_get_autocommit(db_->getHandle()) != 0) {
          writer_->RolledBack();
          return Failure{};
        }
      }
      writer_->FinishTransaction();
      const bool accepts = kFailpointsCompiledIn && AcceptsRequest(units);
      if (accepts) FAILPOINT("scheduler.commit.before");
      db_->exec("COMMIT");
      if (accepts) FAILPOINT("scheduler.commit.after");
      writer_->Committed();
      return std::nullopt;
    } catch (const SQLite::Exception& e) {
      return Abandon(e);
    } catch (const std::exception& e) {
      return Abandon(SQLite::Exception(e.what()));
    }
  }

  Expected<CommitInfo> WriteUnit(const Unit& unit) {
    CommitInfo info;
    Status status;
    try {
      db_->exec("SAVEPOINT unit");
      status = writer_->Apply(unit.ops, info);
    } catch (const SQLite::Exception& e) {
      if (IsFatal(e.getExtendedErrorCode())) throw;
      status = FromException(e);
      LogWarn("database refused a unit", {F("error", e.what())});
    }
    if (sqlite3_get_autocommit(db_->getHandle()) != 0)
      return status.ok() ? Failure{}.Make() : status;
    if (!status.ok()) {
      writer_->ResetAll();
      db_->exec("ROLLBACK TO unit");
    }
    db_->exec("RELEASE unit");
    if (!status.ok()) return status;
    return info;
  }

  Failure Abandon(const SQLite::Exception& e) {
    if (sqlite3_get_autocommit(db_->getHandle()) == 0) db_->tryExec("ROLLBACK");
    writer_->RolledBack();
    LogError("database did not commit", {F("error", e.what())});
    if (!IsFatal(e.getExtendedErrorCode())) return {.operator_text = e.what()};
    LogError("database failed, nothing is accepted until a restart");
    failure_ = {.text = "the scheduler's database failed; it must be restarted",
                .operator_text = e.what()};
    failed_ = true;
    return *failure_;
  }

  const SqliteStoreOptions options_;
  FileLock lock_;  // declared before the connections: given up after they are closed
  std::unique_ptr<SQLite::Database> db_;
  std::unique_ptr<UnitWriter> writer_;
  Reader reader_;

  std::optional<Failure> failure_;  // writer's thread only
  std::atomic<bool> failed_{false};
  absl::Mutex mutex_;
  std::deque<Unit> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool loaded_ ABSL_GUARDED_BY(mutex_) = false;
  std::jthread thread_, checker_;
};

}  // namespace

Expected<std::unique_ptr<core::Store>> OpenSqliteStore(const SqliteStoreOptions& options,
                                                       const Clock& clock) {
  ASSIGN_OR_RETURN(OpenDatabase open, OpenAndCheck(options.path, options.busy_timeout, clock,
                                                   options.most_checked_bytes));
  return std::unique_ptr<core::Store>(std::make_unique<SqliteStore>(std::move(open), options));
}

}  // namespace kilonova::scheduler::adapters
