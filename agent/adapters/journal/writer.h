// SPDX-License-Identifier: Apache-2.0
// The one thread that writes: takes all that waits, runs it in one transaction, commits (fsync) and
// lets everybody go. A write that fails is the last one: after a failed fsync nobody knows what is
// on the disk, and trying again may seem to work. Only "disk full" is survivable: nothing was
// written then, the reserve is given up and the same is tried once more.
#pragma once

#include <SQLiteCpp/Database.h>
#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>
#include <absl/synchronization/mutex.h>

#include <string>
#include <thread>
#include <vector>

#include "agent/adapters/journal/reserve.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::journal {

class Writer {
 public:
  using Change = absl::FunctionRef<void(SQLite::Database&)>;

  Writer(SQLite::Database db, Reserve reserve);
  ~Writer();

  // Runs `change` inside a transaction and returns after its commit. It must only do SQL and set
  // what its caller reads afterwards; it may run twice.
  Status Run(Change change);
  bool Failed() const;
  // Asks the thread to fold the write-ahead log into the file and cut it to nothing, when nobody
  // reads just then. Returns at once.
  void FoldLog();
  const Reserve& reserve() const { return reserve_; }

 private:
  struct Work {
    Change change;
    Status status;
    bool done = false;
  };

  void Loop();
  // Why it failed; "" when it did not.
  std::string Commit(const std::vector<Work*>& batch);

  SQLite::Database db_;  // the thread's alone
  const Reserve reserve_;
  mutable absl::Mutex mutex_;
  std::vector<Work*> waiting_ ABSL_GUARDED_BY(mutex_);
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool fold_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kilonova::agent::adapters::journal
