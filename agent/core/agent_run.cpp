// SPDX-License-Identifier: Apache-2.0
// The agent's worker side: from a ticket of the queue to the operation it asks for.
#include "agent/core/agent.h"
#include "agent/core/agent_ticket.h"
#include "agent/core/build.h"
#include "agent/core/delete.h"
#include "agent/core/guest_control.h"
#include "agent/core/power.h"
#include "agent/core/undo.h"
#include "common/base/log.h"
#include "common/model/methods.h"

namespace kilonova::agent::core {
namespace {

Status Poison() {
  return Error(Code::kAborted, reason::kBuildAbandoned,
               "the operation was given up after it ended the agent repeatedly");
}

}  // namespace

void Agent::RunTicket(Ticket& ticket, Cancellation& cancel) {
  const JournalEntry& entry = ticket.entry;
  if (ticket.running == nullptr) {
    if (cancel.kind() == StopKind::kDrain) return;
    ticket.running = Begin(ticket, cancel);
  }
  if (ticket.running != nullptr) ticket.running->Run();
  if (cancel.parked()) return;
  ticket.running.reset();
  const absl::MutexLock lock(&mutex_);
  at_work_.erase(entry.id);
  if (entry.method != model::kBuildMethod || cancel.kind() == StopKind::kDrain) return;
  const auto it = building_.find(entry.instance_uuid);
  if (it != building_.end() && it->second == entry.generation) building_.erase(it);
}

std::unique_ptr<Runnable> Agent::Begin(Ticket& ticket, Cancellation& cancel) {
  const JournalEntry& entry = ticket.entry;
  OperationHead head{entry.id,
                     entry.request_id,
                     OperationName(entry.method),
                     entry.instance_uuid,
                     entry.generation,
                     {}};
  const auto starts = ports_.journal.MarkRunning(entry.id);
  if (!starts.ok()) return nullptr;  // logged by the journal; the entry waits for the restart
  head.starts = *starts;
  {
    const absl::MutexLock lock(&mutex_);
    at_work_[entry.id] = ports_.clock.Steady();
  }
  if (model::ActionOf(entry.method) == model::ActionKind::kTerminate) {
    // Never given up: it may begin again as often as it must, and needs nothing of its body. A
    // guest that outlives its delete would run with nobody knowing.
    return MakeDelete(services_, head, cancel);
  }
  if (head.starts.counted > settings_.max_starts || head.starts.all > settings_.max_starts_in_all) {
    // Counted before the body is even looked at: reading it may be what ends the agent.
    return Abandon(ticket, head, cancel, Poison());
  }
  return Dispatch(ticket, head, cancel);
}

std::unique_ptr<Runnable> Agent::Dispatch(Ticket& ticket, const OperationHead& head,
                                          Cancellation& cancel) {
  if (ticket.request == nullptr) {
    auto entry = ports_.journal.Entry(head.entry_id);
    auto request = entry.ok() ? ports_.decoder.Decode(entry->body)
                              : Expected<model::ComputeRequest>(entry.status());
    if (!request.ok()) {
      LogError("a journalled message cannot be read any more",
               {F("instance", head.instance), F("request", head.request_id),
                F("why", request.status())});
      return Abandon(ticket, head, cancel, request.status());
    }
    ticket.body = std::move(entry->body);
    ticket.request = std::make_shared<const model::ComputeRequest>(*std::move(request));
  }
  if (const auto* build = std::get_if<model::BuildRequest>(&ticket.request->body)) {
    auto kept = ports_.decoder.WithoutSecrets(ticket.body);
    if (!kept.ok()) return Abandon(ticket, head, cancel, kept.status());
    return std::make_unique<Build>(services_, head, cancel, *build, *std::move(kept));
  }
  const auto& action = std::get<model::ActionRequest>(ticket.request->body);
  switch (action.kind) {
    case model::ActionKind::kTerminate:  // by its method, see Begin
      break;
    case model::ActionKind::kStart:
      return MakeStart(services_, head, cancel);
    case model::ActionKind::kStop:
      return MakeStop(services_, head, cancel, action.clean_shutdown);
    case model::ActionKind::kReboot:
      return MakeReboot(services_, head, cancel, action.reboot_type);
  }
  return MakeDelete(services_, head, cancel);
}

std::unique_ptr<Runnable> Agent::Abandon(const Ticket& ticket, const OperationHead& head,
                                         Cancellation& cancel, const Status& why) {
  counters_.Add("operations.abandoned");
  if (ticket.entry.method == model::kBuildMethod) {
    model::BuildRequest what;  // its body is not trusted any more: no NICs to clean, only the rest
    what.instance.uuid = head.instance;
    what.claim.generation = head.generation;
    auto build = std::make_unique<Build>(services_, head, cancel, what, "");
    build->Abandon(why);
    return build;
  }
  Operation op(services_, head, cancel);
  const auto record = ports_.journal.Instance(head.instance);
  if (!record.ok()) return nullptr;
  FailAction(op, *record, *record ? (*record)->vm_state : model::VmState::kError, why);
  return nullptr;
}

void Agent::PushRunnable(Job job, std::function<std::unique_ptr<Runnable>(Cancellation&)> make) {
  // Shared: std::function wants to be copied.
  auto running = std::make_shared<std::unique_ptr<Runnable>>();
  job.run = [running, make = std::move(make)](Cancellation& cancel) {
    if (*running == nullptr) *running = make(cancel);
    if (*running != nullptr) (*running)->Run();
    if (!cancel.parked()) running->reset();
  };
  queue_.Push(std::move(job));
}

void Agent::PushAbandon(const InstanceRecord& record) {
  PushRunnable({record.uuid, JobKind::kBuild, true, record.generation, false, {}},
               [this, record](Cancellation& cancel) -> std::unique_ptr<Runnable> {
                 const auto now = ports_.journal.Instance(record.uuid);
                 if (!now.ok() || !*now || (*now)->vm_state != model::VmState::kBuilding)
                   return nullptr;
                 OperationHead head;
                 head.operation = "build";
                 head.instance = record.uuid;
                 head.generation = record.generation;
                 model::BuildRequest what;
                 what.instance.uuid = record.uuid;
                 what.claim.generation = record.generation;
                 what.nics = NicsOf(services_, **now);
                 auto build =
                     std::make_unique<Build>(services_, head, cancel, what, (*now)->build_body);
                 build->Abandon(Error(Code::kAborted, reason::kBuildAbandoned,
                                      "the build was lost on its host"));
                 return build;
               });
}

void Agent::PushUndo(const InstanceRecord& record) {
  PushRunnable(
      {record.uuid, JobKind::kBuild, true, record.generation, false, {}},
      [this, record](Cancellation& cancel) { return MakeUndo(services_, record, cancel); });
}

}  // namespace kilonova::agent::core
