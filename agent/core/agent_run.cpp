// SPDX-License-Identifier: Apache-2.0
// The agent's worker side: from a ticket of the queue to the operation it asks for.
#include "agent/core/agent.h"
#include "agent/core/agent_ticket.h"
#include "agent/core/build.h"
#include "agent/core/delete.h"
#include "agent/core/guest_control.h"
#include "agent/core/power.h"
#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

Status Poison() {
  return Error(Code::kAborted, reason::kBuildAbandoned,
               "the operation was given up after it ended the agent repeatedly");
}

}  // namespace

void Agent::RunTicket(Ticket& ticket, Cancellation& cancel) {
  const JournalEntry& entry = ticket.entry;
  OperationHead head{entry.id,
                     entry.request_id,
                     OperationName(entry.method),
                     entry.instance_uuid,
                     entry.generation,
                     1};
  if (cancel.kind() == StopKind::kDrain) return;
  const auto starts = ports_.journal.MarkRunning(entry.id);
  if (!starts.ok()) return;  // logged by the journal; the entry waits for the restart
  head.starts = *starts;
  if (entry.method == kTerminateMethod) {
    // Never given up: it may begin again as often as it must, and needs nothing of its body. A
    // guest that outlives its delete would run with nobody knowing.
    RunDelete(services_, head, cancel);
  } else if (head.starts > settings_.max_starts) {
    // Counted before the body is even looked at: reading it may be what ends the agent.
    Abandon(ticket, head, cancel, Poison());
  } else {
    Dispatch(ticket, head, cancel);
  }
  if (entry.method != kBuildMethod || cancel.kind() == StopKind::kDrain) return;
  const absl::MutexLock lock(&mutex_);
  const auto it = building_.find(entry.instance_uuid);
  if (it != building_.end() && it->second == entry.generation) building_.erase(it);
}

void Agent::Dispatch(Ticket& ticket, const OperationHead& head, Cancellation& cancel) {
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
    return Build(services_, head, cancel, *build, ticket.body).Run();
  }
  const auto& action = std::get<model::ActionRequest>(ticket.request->body);
  switch (action.kind) {
    case model::ActionKind::kTerminate:  // by its method, see RunTicket
      return RunDelete(services_, head, cancel);
    case model::ActionKind::kStart:
      return RunStart(services_, head, cancel);
    case model::ActionKind::kStop:
      return RunStop(services_, head, cancel, action.clean_shutdown);
    case model::ActionKind::kReboot:
      return RunReboot(services_, head, cancel, action.reboot_type);
  }
}

void Agent::Abandon(const Ticket& ticket, const OperationHead& head, Cancellation& cancel,
                    const Status& why) {
  counters_.Add("operations.abandoned");
  if (ticket.entry.method == kBuildMethod) {
    model::BuildRequest what;  // its body is not trusted any more: no NICs to clean, only the rest
    what.instance.uuid = head.instance;
    what.claim.generation = head.generation;
    return Build(services_, head, cancel, what, "").Abandon(why);
  }
  Operation op(services_, head, cancel);
  const auto record = ports_.journal.Instance(head.instance);
  if (!record.ok()) return;
  FailAction(op, *record, *record ? (*record)->vm_state : model::VmState::kError, why);
}

void Agent::PushAbandon(const InstanceRecord& record) {
  queue_.Push(
      {record.uuid, JobKind::kBuild, true, record.generation, [this, record](Cancellation& cancel) {
         const auto now = ports_.journal.Instance(record.uuid);
         if (!now.ok() || !*now || (*now)->vm_state != model::VmState::kBuilding) return;
         OperationHead head;
         head.operation = "build";
         head.instance = record.uuid;
         head.generation = record.generation;
         model::BuildRequest what;
         what.instance.uuid = record.uuid;
         what.claim.generation = record.generation;
         what.nics = NicsOf(services_, **now);
         Build(services_, head, cancel, what, (*now)->build_body)
             .Abandon(
                 Error(Code::kAborted, reason::kBuildAbandoned, "the build was lost on its host"));
       }});
}

}  // namespace kilonova::agent::core
