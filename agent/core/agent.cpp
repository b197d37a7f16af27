// SPDX-License-Identifier: Apache-2.0
#include "agent/core/agent.h"

#include <absl/time/time.h>

#include <algorithm>
#include <cstdlib>

#include "agent/core/agent_ticket.h"
#include "agent/core/delete.h"
#include "agent/core/faults.h"
#include "agent/core/instance_files.h"
#include "agent/core/observe.h"
#include "common/base/log.h"
#include "common/model/methods.h"

namespace kilonova::agent::core {
namespace {

constexpr std::size_t kMaxWorkers = 10;  // Nova's max_concurrent_builds
// So many requests are kept decoded in memory; those behind them are read from the journal.
constexpr std::size_t kMaxDecoded = 256;

JobKind KindOf(const std::string& method) {
  if (method == model::kBuildMethod) return JobKind::kBuild;
  const bool terminate = model::ActionOf(method) == model::ActionKind::kTerminate;
  return terminate ? JobKind::kDelete : JobKind::kAction;
}

bool IsServed(const std::string& method) {
  return method == model::kBuildMethod || model::ActionOf(method).has_value();
}

bool IsSlow(const std::string& method) {
  const auto action = model::ActionOf(method);
  return action != model::ActionKind::kTerminate && action != model::ActionKind::kStart;
}

}  // namespace

Agent::Agent(AgentSettings settings, Ports ports)
    : settings_(std::move(settings)),
      ports_(ports),
      facts_(ports_.hypervisor),
      services_{settings_,
                ports_,
                claims_,
                counters_,
                facts_,
                draining_,
                [this] {
                  const absl::MutexLock lock(&mutex_);
                  undo_wanted_ = true;
                }},
      reconciler_(services_,
                  {[this](const Uuid& uuid) { return queue_.Busy(uuid); },
                   [this](const Uuid& uuid, bool repeat) { PushObserve(uuid, false, repeat); },
                   [this](const InstanceRecord& r) { PushAbandon(r); },
                   [this](const InstanceRecord& r) { PushUndo(r); }}),
      queue_(std::min(settings_.workers, kMaxWorkers)) {}

Agent::~Agent() {
  HurryDrain();
  Drain(ports_.clock.Steady());
}

Status Agent::Start() {
  RETURN_IF_ERROR(PrepareStateDir(settings_.paths));
  ASSIGN_OR_RETURN(const auto records, ports_.journal.Instances());
  for (const InstanceRecord& record : records)
    claims_.Set(record.uuid, {record.resources, record.numa, record.serial_ports,
                              record.pci_devices, record.mdevs});
  ASSIGN_OR_RETURN(const auto unfinished, ports_.journal.Unfinished());
  LogInfo("agent starts", {F("host", settings_.host), F("instances", records.size()),
                           F("unfinished", unfinished.size())});
  for (const JournalEntry& entry : unfinished) Enqueue(entry, nullptr);
  ports_.hypervisor.Subscribe(
      [this](const DomainEvent& event) {
        const absl::MutexLock lock(&mutex_);
        if (stopping_ || event.kind == DomainEventKind::kUndefined) return;
        bool& crashed = events_[event.uuid];
        crashed = crashed || event.kind == DomainEventKind::kCrashed;
      },
      [this] {
        const absl::MutexLock lock(&mutex_);
        reconcile_wanted_ = true;
      });
  queue_.Start();
  {
    const absl::MutexLock lock(&mutex_);
    reconcile_wanted_ = true;
  }
  housekeeper_ = std::thread([this] { HouseKeeping(); });
  taking_ = true;
  return OkStatus();
}

void Agent::StopTaking() { taking_ = false; }

bool Agent::Drain(SteadyTime deadline) {
  StopTaking();
  draining_ = true;
  const bool in_time = queue_.Drain(deadline);
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (housekeeper_.joinable()) {
    housekeeper_.join();
    // The adapter's threads may outlive this object.
    ports_.hypervisor.Subscribe([](const DomainEvent&) {}, [] {});
  }
  return in_time;
}

void Agent::HurryDrain() { queue_.HurryDrain(); }

SinkAnswer Agent::Refuse(const Status& why) {
  counters_.Add("messages_refused");
  counters_.Add("messages_refused." + ReasonOf(why));
  return {Verdict::kRefuse, why};
}

SinkAnswer Agent::Submit(const IncomingRequest& incoming) {
  if (!taking_) return {Verdict::kDraining, OkStatus()};
  const model::ComputeRequest& request = incoming.request;
  JournalEntry entry;
  entry.unique_id = request.unique_id;
  entry.request_id = request.request_id;
  entry.method = request.method;
  entry.instance_uuid = InstanceUuid(request);
  entry.digest = incoming.digest;
  entry.body = incoming.body;
  if (const auto* build = std::get_if<model::BuildRequest>(&request.body)) {
    if (build->claim.claim_id.empty() || build->claim.generation < 1) {
      return Refuse(Error(Code::kInvalidArgument, reason::kClaimMissing, "a build with no claim"));
    }
    entry.generation = build->claim.generation;
  } else {
    entry.generation = std::get<model::ActionRequest>(request.body).generation;
  }
  const auto accepted = ports_.journal.Accept(entry);
  if (!accepted.ok()) {
    counters_.Add("journal.failed");
    return {Verdict::kJournalFailed, accepted.status()};
  }
  switch (*accepted) {
    case AcceptResult::kConflict:
      return Refuse(Error(Code::kAlreadyExists, reason::kMessageConflict,
                          "this message id came before with another content"));
    case AcceptResult::kDuplicate:
      counters_.Add("messages_duplicate");
      if (ports_.journal.RepeatReport(entry.unique_id).ok()) ports_.control_plane.ReportsWaiting();
      return {};
    case AcceptResult::kTombstone:
      counters_.Add("messages_too_late");
      LogInfo("a build of a deleted instance came too late",
              {F("instance", entry.instance_uuid), F("request", entry.request_id)});
      return {};
    case AcceptResult::kNew:
      break;
  }
  counters_.Add("messages_accepted");
  LogDebug("request accepted", {F("instance", entry.instance_uuid), F("request", entry.request_id),
                                F("method", entry.method), F("generation", entry.generation)});
  const bool keep = queue_.Depth() < kMaxDecoded;
  Enqueue(entry, keep ? std::make_shared<const model::ComputeRequest>(request) : nullptr);
  return {};
}

void Agent::CountRefused(const Status& why) {
  counters_.Add("messages_refused");
  counters_.Add("messages_refused." + ReasonOf(why));
  ReportRefused(why);
}

// A request that could not be read still was somebody's: its owner hears why, if the message was
// clear at least about whose. What is here already, or under way, is not harmed by a bad copy.
void Agent::ReportRefused(const Status& why) {
  const Details details = DetailsOf(why);
  const auto text = [&details](const char* key) {
    const auto it = details.find(key);
    return it == details.end() ? std::string() : it->second;
  };
  const auto instance = Uuid::Parse(text("instance"));
  const std::int64_t generation = std::atoll(text("generation").c_str());
  const std::string method = text("method");
  if (!IsServed(method) || !instance.ok() || generation < 1) return;
  const bool build = method == model::kBuildMethod;
  {
    const absl::MutexLock lock(&mutex_);
    if (build && building_.contains(*instance)) return;
  }
  const auto record = ports_.journal.Instance(*instance);
  if (!record.ok() || (build && *record) || queue_.Busy(*instance)) return;
  Cancellation never;
  Operation op(services_, {0, text("request_id"), OperationName(method), *instance, generation},
               never);
  Journal::Completion end;
  end.report =
      op.Report(model::Outcome::kFailed, *record ? (*record)->vm_state : model::VmState::kError,
                *record ? (*record)->power_state : model::PowerState::kNoState);
  end.report->fault = model::Fault{ReasonOf(why), Message(why), IsRetryable(why)};
  static_cast<void>(op.Complete(std::move(end)));
}

void Agent::SetReceiving(bool receiving, std::string_view why) {
  {
    const absl::MutexLock lock(&mutex_);
    if (receiving_ == receiving && not_receiving_why_ == why) return;
    receiving_ = receiving;
    not_receiving_why_ = std::string(why);
  }
  ports_.control_plane.HostChanged();
}

void Agent::Enqueue(const JournalEntry& entry,
                    std::shared_ptr<const model::ComputeRequest> request) {
  auto ticket = std::make_shared<Ticket>();  // std::function wants to be copied
  ticket->entry = entry;
  ticket->entry.body.clear();
  if (request != nullptr) ticket->body = entry.body;
  ticket->request = std::move(request);
  const JobKind kind = KindOf(entry.method);
  if (kind == JobKind::kBuild) {
    const absl::MutexLock lock(&mutex_);
    building_[entry.instance_uuid] = entry.generation;
  }
  // Before its own job is there, so that the delete itself is not met.
  if (kind == JobKind::kDelete) queue_.CancelForDelete(entry.instance_uuid, entry.generation);
  // The last start it is given: one such message at a time.
  const bool suspect =
      kind != JobKind::kDelete && entry.starts > 0 && entry.starts + 1 >= settings_.max_starts;
  queue_.Push({entry.instance_uuid, kind, IsSlow(entry.method), entry.generation, suspect,
               [this, ticket](Cancellation& cancel) { RunTicket(*ticket, cancel); }});
}

void Agent::PushObserve(const Uuid& instance, bool crashed, bool repeat) {
  queue_.Push({instance, JobKind::kObserve, false, 0, false,
               [this, instance, crashed, repeat](Cancellation&) {
                 Observe(services_, instance, crashed, repeat);
               }});
}

void Agent::RemoveStale(const std::vector<StaleInstance>& stale) {
  for (const StaleInstance& one : stale) {
    LogWarn("removing what the scheduler calls stale",
            {F("instance", one.uuid), F("generation", one.generation)});
    queue_.CancelForDelete(one.uuid, one.generation);
    PushRunnable({one.uuid, JobKind::kDelete, false, one.generation, false, {}},
                 [this, one](Cancellation& cancel) {
                   OperationHead head;
                   head.operation = "terminate";
                   head.instance = one.uuid;
                   head.generation = one.generation;
                   return MakeDelete(services_, head, cancel);
                 });
  }
}

}  // namespace kilonova::agent::core
