// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/version_3.h"

#include "scheduler/adapters/store/instance_rows.h"
#include "scheduler/adapters/store/rows.h"

namespace kilonova::scheduler::adapters {

const char kVersion3Sql[] = R"sql(
ALTER TABLE instances RENAME TO old_instances;
ALTER TABLE claims RENAME TO old_claims;
ALTER TABLE addresses RENAME TO old_addresses;
DROP INDEX instances_deleted;
DROP INDEX instances_deleted_revision;
DROP INDEX addresses_instance;
CREATE TABLE parts (id INTEGER PRIMARY KEY, doc BLOB NOT NULL UNIQUE);
CREATE TABLE instances (
  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB NOT NULL UNIQUE, revision INTEGER NOT NULL,
  vm_state TEXT NOT NULL, task_state TEXT NOT NULL, power_state INTEGER NOT NULL,
  generation INTEGER NOT NULL, started_generation INTEGER NOT NULL,
  project_id TEXT NOT NULL, name TEXT NOT NULL, host TEXT NOT NULL, server_group TEXT NOT NULL,
  flavor INTEGER NOT NULL, image INTEGER NOT NULL, kernel INTEGER NOT NULL,
  ramdisk INTEGER NOT NULL, ports BLOB NOT NULL, terminated_at INTEGER,
  admin_password TEXT NOT NULL DEFAULT '', claim_id BLOB, claim_host TEXT,
  claim_generation INTEGER, claim_resources INTEGER, claim_hardware BLOB);
CREATE INDEX instances_deleted ON instances (terminated_at) WHERE terminated_at IS NOT NULL;
CREATE INDEX instances_deleted_revision ON instances (revision) WHERE terminated_at IS NOT NULL;
CREATE TABLE instance_docs (
  id INTEGER PRIMARY KEY REFERENCES instances (id) ON DELETE CASCADE, doc BLOB NOT NULL);
CREATE TABLE addresses (
  network TEXT NOT NULL REFERENCES networks (id), address TEXT NOT NULL, port TEXT NOT NULL,
  instance INTEGER NOT NULL REFERENCES instances (id),
  PRIMARY KEY (network, address)) WITHOUT ROWID;
CREATE INDEX addresses_instance ON addresses (instance);
INSERT INTO sqlite_sequence (name, seq)
  SELECT 'instances', seq FROM sqlite_sequence WHERE name = 'old_instances';
)sql";

namespace {

Status MoveInstances(SQLite::Database& db, InstanceRows& rows) {
  DocReader docs;
  SQLite::Statement old(db, "SELECT revision, admin_password, doc FROM old_instances ORDER BY id");
  while (old.executeStep()) {
    const SQLite::Column doc = old.getColumn(2);
    ASSIGN_OR_RETURN(const core::InstanceRecord record,
                     docs.Instance({static_cast<const char*>(doc.getBlob()),
                                    static_cast<std::size_t>(doc.getBytes())}));
    rows.Put(record, old.getColumn(0).getInt64(), PackInstance(record),
             old.getColumn(1).getString());
  }
  return OkStatus();
}

Status MoveClaims(SQLite::Database& db, InstanceRows& rows) {
  SQLite::Statement old(db, "SELECT instance, claim_id, host, generation, doc FROM old_claims");
  while (old.executeStep()) {
    core::ClaimRow claim;
    ASSIGN_OR_RETURN(claim.instance, Uuid::Parse(old.getColumn(0).getText()));
    ASSIGN_OR_RETURN(claim.claim_id, Uuid::Parse(old.getColumn(1).getText()));
    claim.host = old.getColumn(2).getString();
    claim.generation = old.getColumn(3).getInt64();
    rows.PutClaim(claim, old.getColumn(4).getString());
  }
  return OkStatus();
}

}  // namespace

Status MoveToVersion3(SQLite::Database& db) {
  {
    Statements statements(db);
    InstanceRows rows(statements);
    RETURN_IF_ERROR(MoveInstances(db, rows));
    RETURN_IF_ERROR(MoveClaims(db, rows));
  }
  db.exec(
      "INSERT INTO addresses SELECT a.network, a.address, a.port, d.id"
      " FROM old_addresses a JOIN old_instances d ON d.uuid = a.instance");
  db.exec("DROP TABLE old_claims; DROP TABLE old_addresses; DROP TABLE old_instances;");
  return OkStatus();
}

}  // namespace kilonova::scheduler::adapters
