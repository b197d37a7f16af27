// SPDX-License-Identifier: Apache-2.0
// The tables of the journal; docs/formats/journal.md says what they mean.
#pragma once

namespace kilonova::agent::adapters::journal {

inline constexpr int kSchemaVersion = 5;

inline constexpr const char* kSchema = R"(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  unique_id TEXT NOT NULL UNIQUE,
  request_id TEXT NOT NULL,
  method TEXT NOT NULL,
  instance TEXT NOT NULL,
  generation INTEGER NOT NULL,
  digest TEXT NOT NULL,
  body TEXT NOT NULL,
  state INTEGER NOT NULL,
  starts INTEGER NOT NULL DEFAULT 0,
  accepted_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL DEFAULT 0,
  last_seq INTEGER NOT NULL DEFAULT 0,
  quarantine TEXT,
  begun INTEGER NOT NULL DEFAULT 0,
  reached INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX entries_open ON entries (id) WHERE state < 2;
CREATE INDEX entries_ended ON entries (ended_at) WHERE state >= 2;
CREATE TABLE instances (
  uuid TEXT PRIMARY KEY,
  instance_id INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  claim_id TEXT NOT NULL,
  resources TEXT NOT NULL,
  vm_state TEXT NOT NULL,
  power_state INTEGER NOT NULL,
  build_body TEXT NOT NULL,
  quarantine TEXT,
  launched INTEGER NOT NULL DEFAULT 0,
  undo_pending INTEGER NOT NULL DEFAULT 0,
  numa TEXT NOT NULL DEFAULT '',
  serial_ports TEXT NOT NULL DEFAULT '',
  pci TEXT NOT NULL DEFAULT '',
  mdevs TEXT NOT NULL DEFAULT ''
);
CREATE TABLE tombstones (
  instance TEXT PRIMARY KEY, generation INTEGER NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE reports (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  entry_id INTEGER NOT NULL,
  acked INTEGER NOT NULL DEFAULT 0,
  instance TEXT NOT NULL,
  generation INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  operation TEXT NOT NULL,
  outcome INTEGER NOT NULL,
  vm_state TEXT NOT NULL,
  task_state TEXT NOT NULL,
  power_state INTEGER NOT NULL,
  fault_reason TEXT,
  fault_message TEXT,
  fault_retryable INTEGER,
  launched_at INTEGER,
  timings TEXT NOT NULL,
  at INTEGER NOT NULL
);
CREATE INDEX reports_unacked ON reports (seq) WHERE acked = 0;
)";

// From version 1: records kept their message with its admin password.
inline constexpr const char* kToVersion2 = R"(
ALTER TABLE entries ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entries ADD COLUMN reached INTEGER NOT NULL DEFAULT 0;
UPDATE entries SET begun = starts;
ALTER TABLE instances ADD COLUMN launched INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN undo_pending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN numa TEXT NOT NULL DEFAULT '';
UPDATE instances SET launched = (vm_state <> 'building');
UPDATE instances SET build_body = json_set(build_body, '$.args.admin_password', NULL)
  WHERE json_valid(build_body) AND json_extract(build_body, '$.args.admin_password') IS NOT NULL;
)";

inline constexpr const char* kToVersion3 = R"(
ALTER TABLE instances ADD COLUMN serial_ports TEXT NOT NULL DEFAULT '';
)";

inline constexpr const char* kToVersion4 =
    "ALTER TABLE instances ADD COLUMN pci TEXT NOT NULL DEFAULT ''";

inline constexpr const char* kToVersion5 =
    "ALTER TABLE instances ADD COLUMN mdevs TEXT NOT NULL DEFAULT ''";

}  // namespace kilonova::agent::adapters::journal
