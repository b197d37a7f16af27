// SPDX-License-Identifier: Apache-2.0
// What hosts say of instances, and what follows: ACTIVE, the next host, ERROR, gone.
#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/model/methods.h"
#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

using model::InstanceEvent;
using model::Outcome;
using model::PowerState;
using model::VmState;

// What a host says goes to the owner: only if it is what a reason and a text should be.
FaultRecord FaultOf(const model::StateReport& report, const std::string& host, WallTime now) {
  FaultRecord fault{std::string(reason::kInternal.name), "the host gave no reason", host, now};
  if (!report.fault) return fault;
  const std::string& name = report.fault->reason;
  const bool good = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (good) fault.reason = name;
  fault.message = CheckText("message", report.fault->message, 0, 1024).ok()
                      ? report.fault->message
                      : std::string("the host's message is not shown");
  return fault;
}

struct ActionEvents {
  std::string_view operation;
  InstanceEvent done, failed;
};
constexpr ActionEvents kActions[] = {
    {"terminate", InstanceEvent::kTerminateDone, InstanceEvent::kTerminateFailed},
    {"start", InstanceEvent::kStartDone, InstanceEvent::kStartFailed},
    {"stop", InstanceEvent::kStopDone, InstanceEvent::kStopFailed},
    {"reboot", InstanceEvent::kRebootDone, InstanceEvent::kRebootFailed},
};

// As Nova's compute counts them among the host's stats: builds that failed since the last that did
// not. Whether the count changed.
bool CountBuild(std::map<std::string, std::string>& stats, bool failed) {
  constexpr char kFailedBuilds[] = "failed_builds";
  if (!failed) return stats.erase(kFailedBuilds) > 0;
  std::string& count = stats[kFailedBuilds];
  std::int64_t number = 0;
  std::from_chars(count.data(), count.data() + count.size(), number);
  count = std::to_string(number + 1);
  return true;
}

}  // namespace

// ---- reports

bool Conductor::Impl::ApplyBuild(Change& change, InstanceRecord& record,
                                 const model::StateReport& report,
                                 std::optional<std::string>& admin_password) {
  const auto count = [&](bool failed) {
    change.on_commit.emplace_back(
        [this, name = record.host, failed]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          const auto host = hosts_.find(name);
          if (host == hosts_.end() || !CountBuild(host->second.row.report.stats, failed)) return;
          const Status told = TellEngine(host->second);
          if (!told.ok()) LogError("build not counted", {F("host", name), F("error", told)});
        });
  };
  switch (report.outcome) {
    case Outcome::kProgress:
      if (report.task_state == record.task_state ||
          report.task_state == model::TaskState::kDeleting ||
          !Step(record, InstanceEvent::kBuildProgress)) {
        return false;
      }
      record.task_state = report.task_state;
      return true;
    case Outcome::kDone:
      if (!Step(record, InstanceEvent::kBuildDone)) return false;
      record.power_state = report.power_state;
      record.launched_at = report.launched_at ? *report.launched_at : clock_.Now();
      record.started_generation = record.generation;
      record.alternates.clear();
      admin_password = "";
      count(false);
      change.on_commit.emplace_back([this, uuid = record.uuid()] { engine_.BuildFinished(uuid); });
      return true;
    case Outcome::kFailed: {
      if (model::Refusal(StatesOf(record), InstanceEvent::kReschedule)) return false;
      const bool retryable = report.fault && report.fault->retryable;
      count(true);
      Status next =
          Reschedule(change, record, FaultOf(report, record.host, clock_.Now()), retryable);
      if (!next.ok()) {
        LogError("cannot write the message for the next host",
                 {F("instance", record.uuid()), F("error", next)});
        GiveUp(change, record,
               {std::string(reason::kInternal.name), "internal error", "", clock_.Now()});
      }
      if (record.vm_state == VmState::kError) admin_password = "";
      return true;
    }
    case Outcome::kObserved:
      break;
  }
  return false;
}

bool Conductor::Impl::ApplyAction(Change& change, InstanceRecord& record,
                                  const model::StateReport& report) {
  const auto* events = std::ranges::find(kActions, report.operation, &ActionEvents::operation);
  if (events == std::end(kActions)) return false;
  // A hard reboot overtakes a soft one: the first one's end is not the end.
  const bool terminate = events->done == InstanceEvent::kTerminateDone;
  if (!terminate && !report.request_id.empty() && report.request_id != record.action_request_id) {
    return false;
  }
  if (report.outcome == Outcome::kProgress) {
    const bool within = report.task_state != model::TaskState::kNone &&
                        record.task_state != model::TaskState::kDeleting &&
                        report.task_state != model::TaskState::kDeleting;
    if (!within || report.task_state == record.task_state ||
        !Step(record, InstanceEvent::kActionProgress)) {
      return false;
    }
    record.task_state = report.task_state;
    return true;
  }
  if (report.outcome == Outcome::kDone && terminate) {
    if (model::Refusal(StatesOf(record), events->done)) return false;
    EraseLocally(change, record);
    return true;
  }
  record.power_state = report.power_state;
  if (!Step(record, report.outcome == Outcome::kDone ? events->done : events->failed)) return false;
  if (report.outcome == Outcome::kFailed) {
    record.fault = FaultOf(report, record.host, clock_.Now());
  }
  return true;
}

// As Nova's power state sync: an instance with something under way is left alone; a guest that went
// down by itself is STOPPED; one that runs, or was suspended, with nobody having asked is stopped.
bool Conductor::Impl::ApplyObserved(Change& change, InstanceRecord& record,
                                    const model::StateReport& report) {
  if (record.task_state != model::TaskState::kNone || record.vm_state == VmState::kBuilding) {
    return false;
  }
  const PowerState seen = report.power_state;
  bool changed = seen != record.power_state;
  record.power_state = seen;
  if (report.fault) {
    record.fault = FaultOf(report, record.host, clock_.Now());
    changed = true;
  }
  const bool down = seen == PowerState::kShutdown || seen == PowerState::kCrashed;
  if (down && !model::Refusal(StatesOf(record), InstanceEvent::kObservedStopped)) {
    return Step(record, InstanceEvent::kObservedStopped);
  }
  if (!model::MustBeStopped(StatesOf(record), seen)) return changed;
  record.task_state = model::TaskState::kPoweringOff;
  record.action_request_id = NewRequestId();
  LogWarn("guest is not stopped, stopping it",
          {F("instance", record.uuid()), F("host", record.host)});
  if (Status added = AddAction(change, record, {.kind = model::ActionKind::kStop}); !added.ok()) {
    record.task_state = model::TaskState::kNone;
  }
  return true;
}

void Conductor::Impl::ApplyReport(Change& change, const std::string& host,
                                  const model::StateReport& report,
                                  std::map<Uuid, InstancePtr>& working) {
  const auto current = working.find(report.instance_uuid);
  if (current == working.end()) return;
  const InstanceRecord& now = *current->second;
  if (now.deleted() || now.generation != report.generation || now.host != host) {
    LogDebug(
        "report of a claim that is over",
        {F("instance", report.instance_uuid), F("host", host), F("generation", report.generation)});
    return;
  }
  auto record = std::make_shared<InstanceRecord>(now);
  record->updated_at = clock_.Now();
  std::optional<std::string> admin_password;
  const bool changed = report.outcome == Outcome::kObserved ? ApplyObserved(change, *record, report)
                       : report.operation == "build"
                           ? ApplyBuild(change, *record, report, admin_password)
                           : ApplyAction(change, *record, report);
  if (!changed) return;
  working[report.instance_uuid] = record;
  change.Put(std::move(record), std::move(admin_password));
}

Expected<std::int64_t> Conductor::Impl::HandleStateReports(
    const Uuid& session, std::span<const model::StateReport> reports) {
  std::string host, journal;
  std::int64_t last = 0;
  std::set<Uuid> uuids;
  for (const model::StateReport& report : reports) uuids.insert(report.instance_uuid);
  const InstanceLocks mine(*this, uuids);
  std::map<Uuid, InstancePtr> working;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(host, RenewLease(session));
    const HostRow& row = hosts_.at(host).row;
    journal = row.journal_id;
    last = row.last_seq;
  }
  for (const Uuid& uuid : uuids) {
    ASSIGN_OR_RETURN(auto found, FindLive(uuid));
    if (found) working.emplace(uuid, *std::move(found));
  }
  Change change;
  std::int64_t highest = last;
  for (const model::StateReport& report : reports) {
    if (report.seq <= highest) continue;
    highest = report.seq;
    ApplyReport(change, host, report, working);
  }
  if (highest == last) return last;
  change.ops.emplace_back(SetHostSeq{host, journal, highest});
  change.on_commit.emplace_back([this, host, journal, highest]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    HostRow& row = hosts_.at(host).row;
    if (row.journal_id == journal) row.last_seq = std::max(row.last_seq, highest);
  });
  FAILPOINT("scheduler.report.before");
  RETURN_IF_ERROR(Commit(std::move(change)));
  FAILPOINT("scheduler.report.after");
  return highest;
}

// ---- messages that found no queue

bool Conductor::Impl::HandleReturned(const OutboxRow& row) {
  if (row.method != model::kBuildMethod) return false;
  const InstanceLocks mine(*this, {row.instance});
  const auto found = FindLive(row.instance);
  if (!found.ok()) return false;
  const InstancePtr current = found->value_or(nullptr);
  Change change;
  change.ops.emplace_back(DropOutbox{row.id});
  change.on_commit.emplace_back([this, id = row.id] { outbox_.Forget(id); });
  const bool ours = current != nullptr && current->generation == row.generation &&
                    current->vm_state == VmState::kBuilding;
  // Permission to start was given: an earlier copy of this message did arrive.
  const bool arrived = ours && current->started_generation == row.generation;
  if (ours && !arrived) {
    auto record = std::make_shared<InstanceRecord>(*current);
    if (record->task_state == model::TaskState::kDeleting) {
      EraseLocally(change, *record);
      for (const OutboxRow& other : outbox_.Of(row.instance)) {
        if (other.id == row.id || !outbox_.Withdraw(other.id)) continue;
        change.ops.emplace_back(DropOutbox{other.id});
        change.on_commit.emplace_back([this, id = other.id] { outbox_.Forget(id); });
        change.on_failure.emplace_back([this, id = other.id] { outbox_.Reinstate(id); });
      }
      change.Put(record, "");
    } else {
      const FaultRecord fault{std::string(reason::kHostUnroutable.name),
                              "the host's queue does not exist", row.host, clock_.Now()};
      if (!Reschedule(change, *record, fault, true).ok()) {
        Undo(change);
        return false;
      }
      change.Put(record, record->vm_state == VmState::kError ? std::optional<std::string>("")
                                                             : std::nullopt);
    }
  }
  const Status committed = Commit(std::move(change));
  if (!committed.ok())
    LogWarn("cannot re-schedule yet", {F("instance", row.instance), F("error", committed)});
  return committed.ok();
}

}  // namespace kilonova::scheduler::core
