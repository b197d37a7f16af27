// SPDX-License-Identifier: Apache-2.0
// The transactions of the journal.
#include "agent/adapters/journal/journal_state.h"
#include "agent/adapters/journal/numa_text.h"
#include "agent/adapters/journal/rows.h"
#include "common/base/failpoint.h"

namespace kilonova::agent::adapters::journal {
namespace {

using core::AcceptResult;
using core::EntryState;

std::optional<AcceptResult> KnownAlready(SQLite::Database& db, const core::JournalEntry& entry) {
  SQLite::Statement same(db, "SELECT digest FROM entries WHERE unique_id = ?");
  same.bind(1, entry.unique_id);
  if (same.executeStep()) {
    return same.getColumn(0).getString() == entry.digest ? AcceptResult::kDuplicate
                                                         : AcceptResult::kConflict;
  }
  if (entry.method != "build_and_run_instance") return std::nullopt;
  SQLite::Statement dead(db, "SELECT 1 FROM tombstones WHERE instance = ? AND generation >= ?");
  dead.bind(1, entry.instance_uuid.str());
  dead.bind(2, entry.generation);
  if (dead.executeStep()) return AcceptResult::kTombstone;
  return std::nullopt;
}

std::int64_t Insert(SQLite::Database& db, const core::JournalEntry& entry, std::int64_t now) {
  SQLite::Statement insert(db,
                           "INSERT INTO entries (unique_id, request_id, method, instance, "
                           "generation, digest, body, state, accepted_at) "
                           "VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)");
  insert.bind(1, entry.unique_id);
  insert.bind(2, entry.request_id);
  insert.bind(3, entry.method);
  insert.bind(4, entry.instance_uuid.str());
  insert.bind(5, entry.generation);
  insert.bind(6, entry.digest);
  insert.bind(7, entry.body);
  insert.bind(8, now);
  insert.exec();
  return db.getLastInsertRowid();
}

void EndEntry(SQLite::Database& db, std::int64_t id, EntryState state, std::int64_t now) {
  if (state == EntryState::kRunning || state == EntryState::kAccepted) return;
  SQLite::Statement end(db, "UPDATE entries SET state = ?, ended_at = ?, body = '' WHERE id = ?");
  end.bind(1, static_cast<int>(state));
  end.bind(2, now);
  end.bind(3, id);
  end.exec();
}

void Reach(SQLite::Database& db, std::int64_t id, int reached) {
  SQLite::Statement further(db,
                            "UPDATE entries SET starts = 1, begun = 1, reached = ?1 WHERE id = ?2 "
                            "AND state = 1 AND reached < ?1");
  further.bind(1, reached);
  further.bind(2, id);
  further.exec();
}

void Upsert(SQLite::Database& db, const core::InstanceRecord& record) {
  SQLite::Statement put(db,
                        "INSERT OR REPLACE INTO instances (uuid, instance_id, generation, "
                        "claim_id, resources, vm_state, power_state, build_body, launched, "
                        "undo_pending, numa, serial_ports, pci, mdevs) VALUES "
                        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  put.bind(1, record.uuid.str());
  put.bind(2, record.instance_id);
  put.bind(3, record.generation);
  put.bind(4, record.claim_id.str());
  put.bind(5, WriteResources(record.resources));
  put.bind(6, std::string(model::Name(record.vm_state)));
  put.bind(7, static_cast<int>(record.power_state));
  put.bind(8, record.build_body);
  put.bind(9, record.launched ? 1 : 0);
  put.bind(10, record.undo_pending ? 1 : 0);
  put.bind(11, WriteNuma(record.numa));
  put.bind(12, WritePorts(record.serial_ports));
  put.bind(13, WriteWords(record.pci_devices));
  put.bind(14, WriteMdevs(record.mdevs));
  put.exec();
}

void Remove(SQLite::Database& db, const Uuid& uuid) {
  SQLite::Statement remove(db, "DELETE FROM instances WHERE uuid = ?");
  remove.bind(1, uuid.str());
  remove.exec();
}

void Bury(SQLite::Database& db, const Uuid& uuid, std::int64_t generation, std::int64_t now) {
  SQLite::Statement bury(db,
                         "INSERT INTO tombstones VALUES (?, ?, ?) ON CONFLICT (instance) DO UPDATE "
                         "SET generation = max(generation, excluded.generation), at = excluded.at");
  bury.bind(1, uuid.str());
  bury.bind(2, generation);
  bury.bind(3, now);
  bury.exec();
}

void SetLastSeq(SQLite::Database& db, std::int64_t entry_id, std::int64_t seq) {
  // What was kept as the entry's last word until now, and is heard already, is of no more use.
  SQLite::Statement former(db,
                           "DELETE FROM reports WHERE acked = 1 AND seq = "
                           "(SELECT last_seq FROM entries WHERE id = ?)");
  former.bind(1, entry_id);
  former.exec();
  SQLite::Statement last(db, "UPDATE entries SET last_seq = ? WHERE id = ?");
  last.bind(1, seq);
  last.bind(2, entry_id);
  last.exec();
}

void AddReport(SQLite::Database& db, std::int64_t entry_id, const model::StateReport& report) {
  SQLite::Statement add(db,
                        "INSERT INTO reports (entry_id, instance, generation, request_id, "
                        "operation, outcome, vm_state, task_state, power_state, fault_reason, "
                        "fault_message, fault_retryable, launched_at, timings, at) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  add.bind(1, entry_id);
  BindReport(add, 2, report);
  add.exec();
  SetLastSeq(db, entry_id, db.getLastInsertRowid());
}

}  // namespace

Expected<AcceptResult> SqliteJournal::Accept(core::JournalEntry& entry) {
  RETURN_IF_FAILPOINT("agent.journal.accept.before");
  AcceptResult result = AcceptResult::kNew;
  std::int64_t id = 0;
  const std::int64_t now = ToMicros(state_->clock.Now());
  RETURN_IF_ERROR(state_->writer.Run([&](SQLite::Database& db) {
    const auto known = KnownAlready(db, entry);
    result = known.value_or(AcceptResult::kNew);
    if (!known) id = Insert(db, entry, now);
  }));
  RETURN_IF_FAILPOINT("agent.journal.accept.after");
  if (result == AcceptResult::kNew) entry.id = id;
  return result;
}

Expected<core::Starts> SqliteJournal::MarkRunning(std::int64_t id) {
  core::Starts starts;
  RETURN_IF_ERROR(state_->writer.Run([&](SQLite::Database& db) {
    SQLite::Statement mark(db,
                           "UPDATE entries SET state = 1, starts = starts + 1, begun = begun + 1 "
                           "WHERE id = ? RETURNING starts, begun, reached");
    mark.bind(1, id);
    starts = {};
    if (!mark.executeStep()) return;
    starts.counted = mark.getColumn(0).getInt64();
    starts.all = mark.getColumn(1).getInt64();
    starts.reached = mark.getColumn(2).getInt();
  }));
  if (starts.counted == 0) {
    return Error(Code::kNotFound, reason::kInternal, "no such journal entry");
  }
  return starts;
}

Status SqliteJournal::Checkpoint(std::int64_t id) {
  return state_->writer.Run([&](SQLite::Database& db) {
    SQLite::Statement back(db,
                           "UPDATE entries SET state = 0, starts = max(starts - 1, 0), "
                           "begun = max(begun - 1, 0) WHERE id = ? AND state = 1");
    back.bind(1, id);
    back.exec();
  });
}

Status SqliteJournal::Advance(std::int64_t id, int reached) {
  return state_->writer.Run([&](SQLite::Database& db) { Reach(db, id, reached); });
}

Status SqliteJournal::Settle(std::int64_t id) {
  return state_->writer.Run([&](SQLite::Database& db) {
    SQLite::Statement settle(
        db, "UPDATE entries SET starts = max(starts - 1, 0) WHERE id = ? AND state = 1");
    settle.bind(1, id);
    settle.exec();
  });
}

Status SqliteJournal::Complete(const Completion& completion) {
  RETURN_IF_FAILPOINT("agent.journal.complete.before");
  const std::int64_t now = ToMicros(state_->clock.Now());
  RETURN_IF_ERROR(state_->writer.Run([&](SQLite::Database& db) {
    if (completion.entry_id != 0) {
      if (completion.reached > 0) Reach(db, completion.entry_id, completion.reached);
      EndEntry(db, completion.entry_id, completion.state, now);
    }
    if (completion.remove) {
      Remove(db, *completion.remove);
      if (completion.tombstone_generation) {
        Bury(db, *completion.remove, *completion.tombstone_generation, now);
      }
    }
    if (completion.upsert) Upsert(db, *completion.upsert);
    if (completion.report) AddReport(db, completion.entry_id, *completion.report);
  }));
  RETURN_IF_FAILPOINT("agent.journal.complete.after");
  return OkStatus();
}

Status SqliteJournal::AckReports(std::int64_t up_to_seq) {
  return state_->writer.Run([&](SQLite::Database& db) {
    // The last report of an entry stays: a repeated message is answered with it.
    SQLite::Statement drop(db,
                           "DELETE FROM reports WHERE acked = 0 AND seq <= ? AND NOT EXISTS "
                           "(SELECT 1 FROM entries WHERE id = entry_id AND last_seq = seq)");
    drop.bind(1, up_to_seq);
    drop.exec();
    SQLite::Statement keep(db, "UPDATE reports SET acked = 1 WHERE acked = 0 AND seq <= ?");
    keep.bind(1, up_to_seq);
    keep.exec();
  });
}

Status SqliteJournal::RepeatReport(const std::string& unique_id) {
  return state_->writer.Run([&](SQLite::Database& db) {
    SQLite::Statement last(
        db,
        "SELECT entries.id, reports.seq FROM entries JOIN reports ON reports.seq "
        "= entries.last_seq WHERE unique_id = ? AND state >= 2 AND acked = 1");
    last.bind(1, unique_id);
    if (!last.executeStep()) return;  // it goes on, never said anything, or says it soon anyway
    const std::int64_t entry_id = last.getColumn(0).getInt64();
    const std::int64_t seq = last.getColumn(1).getInt64();
    last.reset();
    const std::string columns =
        "entry_id, instance, generation, request_id, operation, outcome, vm_state, task_state, "
        "power_state, fault_reason, fault_message, fault_retryable, launched_at, timings, at";
    SQLite::Statement again(db, "INSERT INTO reports (" + columns + ") SELECT " + columns +
                                    " FROM reports WHERE seq = ?");
    again.bind(1, seq);
    again.exec();
    SetLastSeq(db, entry_id, db.getLastInsertRowid());
  });
}

Status SqliteJournal::Prune(WallTime before) {
  state_->writer.reserve().Fill();
  const std::int64_t limit = ToMicros(before);
  RETURN_IF_ERROR(state_->writer.Run([&](SQLite::Database& db) {
    const auto run = [&](const char* sql) {
      SQLite::Statement statement(db, sql);
      statement.bind(1, limit);
      statement.exec();
    };
    run("DELETE FROM reports WHERE acked = 1 AND seq IN "
        "(SELECT last_seq FROM entries WHERE state >= 2 AND ended_at < ?)");
    run("DELETE FROM entries WHERE state >= 2 AND ended_at < ? AND NOT EXISTS "
        "(SELECT 1 FROM reports WHERE seq = last_seq)");
    run("DELETE FROM tombstones WHERE at < ?");
  }));
  // Passwords of builds that have ended leave the log file, too.
  state_->writer.FoldLog();
  return OkStatus();
}

}  // namespace kilonova::agent::adapters::journal
