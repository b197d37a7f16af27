// SPDX-License-Identifier: Apache-2.0
// What this host has accepted and how far it got. Durable before a message is acknowledged.
// Implemented by agent/adapters/journal on SQLite (WAL, synchronous=FULL); a failed write is final:
// JOURNAL_FAILED, and the agent stops taking messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/hardware/mdevs.h"
#include "common/hardware/topology.h"
#include "common/model/reports.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

enum class EntryState { kAccepted, kRunning, kDone, kFailed };

// One accepted message.
struct JournalEntry {
  std::int64_t id = 0;  // order of acceptance
  std::string unique_id, request_id, method;
  Uuid instance_uuid;
  std::int64_t generation = 0;
  std::string digest;  // SHA-256 of the inner message
  std::string body;    // the inner oslo.message, to be parsed again after a restart; "" once done
  EntryState state = EntryState::kAccepted;
  std::int64_t starts = 0;  // how often a worker took it up in vain; a poison message shows here
};

// How often a message was taken up, and how far it came (docs/adr/0012).
struct Starts {
  std::int64_t counted = 0;  // those that may have been deaths by this message
  std::int64_t all = 0;      // all of them since it last came further
  int reached = 0;           // the furthest step completed so far, StepIndex of it
};

enum class AcceptResult {
  kNew,        // recorded; do it
  kDuplicate,  // same id, same digest: acknowledge, say the last status again
  kConflict,   // same id, other digest: refuse (MESSAGE_CONFLICT)
  kTombstone,  // the instance was deleted at this generation or later: acknowledge, nothing to do
};

// An instance this host has or is building.
struct InstanceRecord {
  Uuid uuid;
  std::int64_t instance_id = 0;
  std::int64_t generation = 0;
  Uuid claim_id;
  model::Resources resources;
  std::optional<hardware::InstanceNumaTopology> numa;  // where it was fitted to on this host
  std::vector<int> serial_ports;         // TCP ports of the host taken for its serial consoles
  std::vector<std::string> pci_devices;  // addresses of those it has
  std::vector<hardware::Mdev> mdevs;     // mediated devices, made or to be made
  model::VmState vm_state = model::VmState::kBuilding;
  model::PowerState power_state = model::PowerState::kNoState;
  // The inner message it was built from, without its secrets: rebuilds its XML at any time.
  std::string build_body;
  bool launched = false;      // its guest ran here once
  bool undo_pending = false;  // a build that failed and could not be undone yet
};

class Journal {
 public:
  virtual ~Journal() = default;

  // One transaction: dedupe by unique_id, check tombstones (builds only), insert. Sets entry.id
  // when the result is kNew.
  virtual Expected<AcceptResult> Accept(JournalEntry& entry) = 0;
  virtual Expected<Starts> MarkRunning(std::int64_t id) = 0;  // this start counted
  // The agent stops in good order before the entry's end: it is accepted again, the start
  // uncounted.
  virtual Status Checkpoint(std::int64_t id) = 0;
  // It completed step `reached`, further than ever: only the start that goes on counts.
  virtual Status Advance(std::int64_t id, int reached) = 0;
  // It has been at work long enough that its end will not have come of its beginning: the start
  // that goes on does not count as a death by it (Starts::all keeps it).
  virtual Status Settle(std::int64_t id) = 0;
  // The entry's end, the instance's record (empty: remove it) and the report, in one transaction.
  struct Completion {
    std::int64_t entry_id = 0;             // 0: no entry, an observation
    EntryState state = EntryState::kDone;  // kRunning: progress, the entry goes on
    int reached = 0;                       // with kRunning: the furthest step so far
    std::optional<InstanceRecord> upsert;
    std::optional<Uuid> remove;                        // instance to forget
    std::optional<std::int64_t> tombstone_generation;  // with `remove`: refuse up to this
    std::optional<model::StateReport> report;          // seq is assigned here
  };
  virtual Status Complete(const Completion& completion) = 0;

  // In order of acceptance, without bodies (Entry has them), as Instances is without build_body
  // (Instance has it): thousands of either fit in memory. Rows that cannot be read are set aside
  // with a reason (logged), so that one of them never keeps the others from going on; the same
  // holds for Instances.
  virtual Expected<std::vector<JournalEntry>> Unfinished() = 0;
  virtual Expected<JournalEntry> Entry(std::int64_t id) = 0;  // NOT_FOUND / INTERNAL
  virtual Expected<std::vector<InstanceRecord>> Instances() = 0;
  virtual Expected<std::optional<InstanceRecord>> Instance(const Uuid& uuid) = 0;

  // The way up: reports not yet acknowledged by the scheduler, oldest first.
  virtual Expected<std::vector<model::StateReport>> PendingReports(std::int64_t after_seq,
                                                                   std::size_t most) = 0;
  virtual Status AckReports(std::int64_t up_to_seq) = 0;
  // Random, made with the file: a new journal starts seq again, and the scheduler must know.
  virtual const std::string& JournalId() const = 0;
  // Says the last report of a finished entry again, under a new seq; OK when it had none.
  virtual Status RepeatReport(const std::string& unique_id) = 0;
  // False after a failed write, and while the disk is so full that the reserve is in use: the host
  // takes no new instances then.
  struct Health {
    bool writable = true;
    bool reserve_whole = true;
  };
  virtual Health CheckHealth() const = 0;
  // Forgets done entries and tombstones older than `before`.
  virtual Status Prune(WallTime before) = 0;
};

}  // namespace kilonova::agent::core
