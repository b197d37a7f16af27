// SPDX-License-Identifier: Apache-2.0
#include "agent/core/operation.h"

#include "agent/core/failpoint_names.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"

namespace kilonova::agent::core {

Expected<HostFacts> FactsCache::Get() {
  if (auto facts = Remembered()) return *std::move(facts);
  return Refresh();
}

Expected<HostFacts> FactsCache::Refresh() {
  ASSIGN_OR_RETURN(HostFacts facts, hypervisor_.Facts());
  const absl::MutexLock lock(&mutex_);
  facts_ = facts;
  return facts;
}

std::optional<HostFacts> FactsCache::Remembered() const {
  const absl::MutexLock lock(&mutex_);
  return facts_;
}

Operation::Operation(Services& services, OperationHead head, Cancellation& cancel)
    : services_(services),
      head_(std::move(head)),
      cancel_(cancel),
      reached_(head_.starts.reached) {}

Status Operation::StoppedStatus() const {
  return Error(Code::kCancelled, reason::kUnavailable, "the operation was stopped");
}

Status Operation::Park(std::chrono::milliseconds time) {
  if (services_.draining) cancel_.Request(StopKind::kDrain);
  if (Stopped()) return StoppedStatus();
  parked_ = true;
  cancel_.Park(time);
  return Error(Code::kCancelled, reason::kUnavailable, "the operation waits");
}

Status Operation::Step(std::string_view family, std::string_view step,
                       absl::FunctionRef<Status()> body) {
  if (Stopped()) return StoppedStatus();
  const std::string name = std::string(family) + "." + std::string(step);
  if (done_.contains(name)) return OkStatus();
  RETURN_IF_FAILPOINT("agent." + name + ".before");
  const SteadyTime begin = begun_.try_emplace(name, services_.ports.clock.Steady()).first->second;
  Status status = body();
  if (parked_) return status;
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(services_.ports.clock.Steady() - begin);
  timings_.push_back({std::string(step), took});
  begun_.erase(name);
  RETURN_IF_ERROR(status);
  done_.insert(name);
  RETURN_IF_ERROR(StepDone(family, step));
  RETURN_IF_FAILPOINT("agent." + name + ".after");
  return OkStatus();
}

// Of a message that ended the agent before, each step further than ever is written down at once;
// others take it along with their reports.
Status Operation::StepDone(std::string_view family, std::string_view step) {
  const int index = StepIndex(family, step);
  if (index <= reached_) return OkStatus();
  reached_ = index;
  if (head_.entry_id == 0 || head_.starts.all <= 1 || step == "report") return OkStatus();
  return services_.ports.journal.Advance(head_.entry_id, index);
}

Status Operation::WithHypervisor(absl::FunctionRef<Status()> call,
                                 std::optional<std::chrono::milliseconds> most) {
  Status status = call();
  const SteadyTime now = services_.ports.clock.Steady();
  const bool away = HasReason(status, reason::kHypervisorUnavailable);
  if (away && !unreachable_since_) {
    unreachable_since_ = now;
    backoff_.emplace(std::chrono::milliseconds(50), std::chrono::milliseconds(2000));
  }
  if (!away || (most && now - *unreachable_since_ > *most)) {
    unreachable_since_.reset();
    return status;
  }
  return Park(backoff_->Next());
}

model::StateReport Operation::Report(model::Outcome outcome, model::VmState vm,
                                     model::PowerState power) const {
  model::StateReport report;
  report.instance_uuid = head_.instance;
  report.generation = head_.generation;
  report.request_id = head_.request_id;
  report.operation = head_.operation;
  report.outcome = outcome;
  report.vm_state = vm;
  report.power_state = power;
  report.at = services_.ports.clock.Now();
  return report;
}

Status Operation::Progress(model::TaskState task, model::VmState vm, model::PowerState power,
                           std::optional<InstanceRecord> upsert) {
  Journal::Completion completion;
  completion.state = EntryState::kRunning;
  completion.reached = reached_;
  completion.upsert = std::move(upsert);
  completion.report = Report(model::Outcome::kProgress, vm, power);
  completion.report->task_state = task;
  return Complete(std::move(completion));
}

Status Operation::Complete(Journal::Completion completion) {
  completion.entry_id = head_.entry_id;
  Status status = services_.ports.journal.Complete(completion);
  if (!status.ok()) {
    LogError("the journal cannot be written",
             {F("instance", head_.instance), F("request", head_.request_id), F("why", status)});
    return status;
  }
  if (completion.report) services_.ports.control_plane.ReportsWaiting();
  return OkStatus();
}

bool Operation::EndIfCancelled() {
  if (!Stopped()) return false;
  Status status;
  if (head_.entry_id == 0) {
    // Nothing in the journal to end.
  } else if (cancel_.kind() == StopKind::kDrain) {
    status = services_.ports.journal.Checkpoint(head_.entry_id);
  } else {
    Journal::Completion completion;
    completion.state = EntryState::kFailed;
    status = Complete(std::move(completion));
  }
  LogInfo(cancel_.kind() == StopKind::kDrain ? "operation set aside until the agent is back"
                                             : "operation gave way to a delete",
          {F("instance", head_.instance), F("request", head_.request_id),
           F("operation", head_.operation), F("journal", status)});
  return true;
}

Expected<model::PowerState> Operation::Power() {
  const auto info = services_.ports.hypervisor.State(head_.instance);
  if (info.ok()) return info->power;
  if (HasReason(info.status(), reason::kDomainNotFound)) return model::PowerState::kNoState;
  return info.status();
}

std::string Operation::TimingsText() const {
  std::string text;
  for (const model::StepTiming& timing : timings_) {
    if (!text.empty()) text += ' ';
    text += timing.step + "=" + std::to_string(timing.took.count()) + "us";
  }
  return text;
}

}  // namespace kilonova::agent::core
