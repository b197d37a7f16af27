// SPDX-License-Identifier: Apache-2.0
// Applies the ops of units to an open transaction. One object per connection, used by one thread;
// its statements are prepared once. Throws SQLite::Exception; a refusal by rule is a Status.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/status.h"
#include "scheduler/adapters/store/instance_rows.h"
#include "scheduler/adapters/store/statements.h"
#include "scheduler/core/store.h"

namespace kilonova::scheduler::adapters {

// An op and the document it writes, made by the caller's thread so that the writer only binds.
struct PreparedOp {
  core::Op op;
  std::string doc;
};
PreparedOp Prepare(core::Op op);

class UnitWriter {
 public:
  explicit UnitWriter(SQLite::Database& db);
  UnitWriter(const UnitWriter&) = delete;
  UnitWriter& operator=(const UnitWriter&) = delete;

  // Within a savepoint of the caller's.
  Status Apply(const std::vector<PreparedOp>& unit, core::CommitInfo& info);
  // After a unit failed: no statement is left half way, nothing it wrote is relied on.
  void ResetAll();
  // Writes down the highest revision given out in this transaction.
  void FinishTransaction();
  // After a rollback: what was given out since the last commit never happened.
  void Committed() { committed_revision_ = revision_; }
  void RolledBack();

 private:
  SQLite::Statement& Use(const char* sql) { return statements_.Use(sql); }
  std::int64_t Meta(const char* key);
  void SetMeta(const char* key, std::int64_t value);

  Status Do(const core::PutInstance& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::PutClaim& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropClaim& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::PutRequest& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::AddOutbox& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropOutbox& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::AddAddress& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropAddresses& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::PutHost& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::SetHostEnabled& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::SetHostSeq& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::PutFlavor& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropFlavor& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::PutImage& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropImage& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::PutNetwork& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropNetwork& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::PutAggregate& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropAggregate& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::AddAggregateHost& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropAggregateHost& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::PutServerGroup& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropServerGroup& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::PutSharingProvider& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropSharingProvider& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::RaiseInstanceId& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::PutReserved& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::DropReserved& op, const std::string& doc, core::CommitInfo& info);
  Status Do(const core::Prune& op, const std::string& doc, core::CommitInfo& info);

  SQLite::Database& db_;
  Statements statements_;
  InstanceRows instances_;
  std::int64_t revision_ = 0;
  std::int64_t committed_revision_ = 0;
};

}  // namespace kilonova::scheduler::adapters
