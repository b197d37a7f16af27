// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/schema.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <string>

#include "scheduler/adapters/store/version_3.h"

namespace kilonova::scheduler::adapters {
namespace {

// What SQL alone cannot do of a step is in a file of its own.
struct Step {
  const char* sql;
  Status (*then)(SQLite::Database& db) = nullptr;
};

// `doc` columns hold JSON (rows.h); what is searched or unique has a column of its own.
constexpr std::array kSteps{
    Step{R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('pruned_through', 0), ('last_revision', 0);
CREATE TABLE hosts (
  name TEXT PRIMARY KEY, enabled INTEGER NOT NULL, disabled_reason TEXT NOT NULL,
  agent_version TEXT NOT NULL, journal_id TEXT NOT NULL, last_seq INTEGER NOT NULL,
  last_seen INTEGER NOT NULL, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE flavors (
  id INTEGER PRIMARY KEY AUTOINCREMENT, flavorid TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  doc TEXT NOT NULL);
CREATE TABLE images (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE networks (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE instances (
  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
  vm_state TEXT NOT NULL, terminated_at INTEGER, admin_password TEXT NOT NULL DEFAULT '',
  doc TEXT NOT NULL);
CREATE INDEX instances_deleted ON instances (terminated_at) WHERE terminated_at IS NOT NULL;
CREATE INDEX instances_deleted_revision ON instances (revision) WHERE terminated_at IS NOT NULL;
CREATE TABLE claims (
  instance TEXT PRIMARY KEY REFERENCES instances (uuid), claim_id TEXT NOT NULL,
  host TEXT NOT NULL, generation INTEGER NOT NULL, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE addresses (
  network TEXT NOT NULL REFERENCES networks (id), address TEXT NOT NULL, port TEXT NOT NULL,
  instance TEXT NOT NULL REFERENCES instances (uuid),
  PRIMARY KEY (network, address)) WITHOUT ROWID;
CREATE INDEX addresses_instance ON addresses (instance);
CREATE TABLE requests (
  request_id TEXT PRIMARY KEY, digest TEXT NOT NULL, created_at INTEGER NOT NULL,
  doc TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX requests_created ON requests (created_at);
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, instance TEXT NOT NULL,
  generation INTEGER NOT NULL, method TEXT NOT NULL, unique_id TEXT NOT NULL,
  created_at INTEGER NOT NULL, body BLOB NOT NULL);
)sql"},
    Step{R"sql(
CREATE TABLE aggregates (
  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL, updated_at INTEGER, doc TEXT NOT NULL);
CREATE TABLE aggregate_hosts (
  aggregate INTEGER NOT NULL REFERENCES aggregates (id), host TEXT NOT NULL,
  PRIMARY KEY (aggregate, host)) WITHOUT ROWID;
CREATE TABLE server_groups (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE reserved (
  network TEXT NOT NULL, address TEXT NOT NULL, instance TEXT NOT NULL, host TEXT NOT NULL,
  PRIMARY KEY (network, address)) WITHOUT ROWID;
CREATE INDEX reserved_instance ON reserved (instance);
)sql"},
    Step{kVersion3Sql, MoveToVersion3},
    Step{R"sql(
CREATE TABLE sharing_providers (name TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
)sql"},
};

}  // namespace

Status Migrate(SQLite::Database& db, WallTime now) {
  db.exec(
      "CREATE TABLE IF NOT EXISTS migrations ("
      "version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)");
  const int have = db.execAndGet("SELECT COALESCE(MAX(version), 0) FROM migrations").getInt();
  if (have > static_cast<int>(kSteps.size())) {
    return Error(Code::kFailedPrecondition, reason::kConfigInvalid,
                 "the database has schema version " + std::to_string(have) +
                     ", this program knows up to " + std::to_string(kSteps.size()) +
                     ": run the newer program, or restore a backup from before its upgrade");
  }
  for (int version = have + 1; version <= static_cast<int>(kSteps.size()); ++version) {
    SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
    const Step& step = kSteps[static_cast<std::size_t>(version - 1)];
    db.exec(step.sql);
    if (step.then != nullptr) RETURN_IF_ERROR(step.then(db));
    SQLite::Statement insert(db, "INSERT INTO migrations VALUES (?, ?)");
    insert.bind(1, version);
    insert.bind(2, ToMicros(now));
    insert.exec();
    transaction.commit();
  }
  return OkStatus();
}

}  // namespace kilonova::scheduler::adapters
