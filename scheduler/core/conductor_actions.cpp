// SPDX-License-Identifier: Apache-2.0
// Delete, start, stop, reboot, and the permission to start a guest.
#include <utility>

#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/model/methods.h"
#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

using model::InstanceEvent;

// The client's id, if it gave one: it follows the action through every log.
Expected<std::string> RequestIdOf(const std::string& request_id) {
  if (request_id.empty()) return NewRequestId();
  RETURN_IF_ERROR(CheckRequestId(request_id));
  return request_id;
}

}  // namespace

Expected<InstancePtr> Conductor::Impl::Act(const std::string& instance,
                                           const std::string& request_id, InstanceEvent event,
                                           const model::ActionRequest& action) {
  ASSIGN_OR_RETURN(const std::string request, RequestIdOf(request_id));
  ASSIGN_OR_RETURN(const Uuid uuid, ResolveInstance(instance));
  const InstanceLocks mine(*this, {uuid});
  ASSIGN_OR_RETURN(const InstancePtr current, Live(uuid));
  ASSIGN_OR_RETURN(const model::InstanceStates after, model::Apply(StatesOf(*current), event));
  if (current->host.empty()) {
    return Error(Code::kFailedPrecondition, reason::kInstanceStateConflict,
                 "cannot " + std::string(model::Name(event)) + ": the instance is on no host",
                 {{"attribute", "host"}, {"state", "none"}});
  }
  auto record = std::make_shared<InstanceRecord>(*current);
  record->task_state = after.task;
  record->action_request_id = request;
  record->updated_at = clock_.Now();
  Change change;
  change.Put(record);
  RETURN_IF_ERROR(AddAction(change, *record, action));
  RETURN_IF_ERROR(Commit(std::move(change)));
  return record;
}

void Conductor::Impl::EraseLocally(Change& change, InstanceRecord& record) {
  record.vm_state = model::VmState::kDeleted;
  record.task_state = model::TaskState::kNone;
  record.power_state = model::PowerState::kNoState;
  record.claim_id = {};
  record.alternates.clear();
  record.terminated_at = record.updated_at = clock_.Now();
  const Uuid uuid = record.uuid();
  change.ops.emplace_back(DropClaim{uuid});
  change.ops.emplace_back(DropAddresses{uuid});
  change.on_commit.emplace_back([this, uuid] { engine_.Release(uuid); });
}

Expected<InstancePtr> Conductor::Impl::Delete(const std::string& instance,
                                              const std::string& request_id) {
  ASSIGN_OR_RETURN(const std::string request, RequestIdOf(request_id));
  ASSIGN_OR_RETURN(const Uuid uuid, ResolveInstance(instance));
  const InstanceLocks mine(*this, {uuid});
  ASSIGN_OR_RETURN(const auto current, FindLive(uuid));
  if (!current) return store_.DeletedInstance(uuid);
  if ((*current)->task_state == model::TaskState::kDeleting) return *current;

  auto record = std::make_shared<InstanceRecord>(**current);
  record->action_request_id = request;
  record->updated_at = clock_.Now();
  Change change;
  // A build nobody has been told of yet needs nobody to undo it.
  bool untold = record->host.empty();
  // With the permission to start given, a copy of the build did arrive, sent or not as far as the
  // outbox knows: only the host can end what it started.
  const bool may_run = record->started_generation == record->generation;
  if (!untold && !may_run && record->vm_state == model::VmState::kBuilding) {
    const auto waiting = outbox_.Of(uuid);
    if (waiting.size() == 1 && waiting[0].method == model::kBuildMethod &&
        outbox_.Withdraw(waiting[0].id)) {
      untold = true;
      change.ops.emplace_back(DropOutbox{waiting[0].id});
      change.on_commit.emplace_back([this, id = waiting[0].id] { outbox_.Forget(id); });
      change.on_failure.emplace_back([this, id = waiting[0].id] { outbox_.Reinstate(id); });
    }
  }
  if (untold) {
    EraseLocally(change, *record);
    change.Put(record, "");
  } else {
    record->task_state = model::TaskState::kDeleting;
    change.Put(record, "");
    RETURN_IF_ERROR(AddAction(change, *record, {.kind = model::ActionKind::kTerminate}));
  }
  RETURN_IF_ERROR(Commit(std::move(change)));
  return record;
}

Status Conductor::Impl::ConfirmStart(const std::string& host, const Uuid& instance,
                                     std::int64_t generation) {
  const auto stale = [] {
    return Error(Code::kFailedPrecondition, reason::kClaimStale,
                 "this claim is over: the instance was placed anew or is being deleted");
  };
  const InstanceLocks mine(*this, {instance});
  ASSIGN_OR_RETURN(const auto current, FindLive(instance));
  if (!current) return stale();
  const InstanceRecord& now = **current;
  if (now.host != host || now.generation != generation || now.claim_id.empty() ||
      now.task_state == model::TaskState::kDeleting) {
    LogInfo("start refused", {F("instance", instance), F("host", host), F("generation", generation),
                              F("current", now.generation)});
    return stale();
  }
  if (now.started_generation == generation) return OkStatus();
  auto record = std::make_shared<InstanceRecord>(now);
  record->started_generation = generation;
  Change change;
  change.Put(record);
  FAILPOINT("scheduler.confirm_start.before");
  RETURN_IF_ERROR(Commit(std::move(change)));
  FAILPOINT("scheduler.confirm_start.after");
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
