// SPDX-License-Identifier: Apache-2.0
#include "agent/core/build.h"

#include "agent/core/failpoint_names.h"
#include "agent/core/faults.h"
#include "agent/core/guest_control.h"
#include "agent/core/instance_files.h"
#include "agent/core/mdevs.h"
#include "agent/core/template_check.h"
#include "agent/core/tpm_secret.h"
#include "agent/core/undo.h"
#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

using model::Outcome;
using model::PowerState;
using model::TaskState;
using model::VmState;

constexpr std::string_view kFamily = "build";
constexpr std::chrono::milliseconds kTemplatePoll{100};

Status Stale() {
  return Error(Code::kFailedPrecondition, reason::kClaimStale,
               "the instance has been placed anew or is gone");
}

}  // namespace

Build::Build(Services& services, OperationHead head, Cancellation& cancel,
             const model::BuildRequest& request, std::string body)
    : op_(services, std::move(head), cancel),
      services_(services),
      request_(request),
      body_(std::move(body)),
      touched_(op_.head().starts.all > 1),
      domain_possible_(touched_) {}

void Build::Run() {
  if (!failure_) {
    const Status status = Attempt();
    if (status.ok() || HasReason(status, reason::kJournalFailed)) {
      return;  // ended; or nothing can be recorded: after a restart
    }
    if (op_.TakeParked() || op_.EndIfCancelled()) return;
    failure_ = status;
    LogError("build failed", {F("instance", op_.instance()), F("request", op_.head().request_id),
                              F("generation", op_.head().generation), F("why", status)});
  }
  Fail(*failure_);
}

void Build::Abandon(const Status& why) {
  abandoned_ = true;
  failure_ = why;
}

Status Build::Attempt() {
  if (!prior_) {
    ASSIGN_OR_RETURN(prior_, LookBack());
  }
  return Steps(*prior_);
}

Status Build::Hypervised(absl::FunctionRef<Status()> call) {
  return op_.WithHypervisor(call, services_.settings.hypervisor_wait);
}

Expected<bool> Build::AnsweredBefore(const std::optional<InstanceRecord>& record) {
  if (!record) return false;
  const bool newer = record->generation > op_.head().generation;
  const bool there =
      record->generation == op_.head().generation && record->vm_state != VmState::kBuilding;
  if (!newer && !there) return false;
  Journal::Completion end;
  end.state = newer ? EntryState::kFailed : EntryState::kDone;
  end.report =
      op_.Report(newer ? Outcome::kFailed : Outcome::kDone, record->vm_state, record->power_state);
  if (newer) end.report->fault = MakeFault(Stale());
  RETURN_IF_ERROR(op_.Complete(std::move(end)));
  return true;
}

Expected<Build::Prior> Build::LookBack() {
  ASSIGN_OR_RETURN(const auto record, services_.ports.journal.Instance(op_.instance()));
  ASSIGN_OR_RETURN(const bool answered, AnsweredBefore(record));
  if (answered) return Prior::kAnswered;
  DomainInfo domain;
  bool known = true;
  RETURN_IF_ERROR(Hypervised([&]() -> Status {
    const auto info = services_.ports.hypervisor.State(op_.instance());
    if (info.ok()) {
      domain = *info;
    } else if (HasReason(info.status(), reason::kDomainNotFound)) {
      known = false;
    } else {
      return info.status();
    }
    return OkStatus();
  }));
  if (known && domain.owner.generation == op_.head().generation) {
    domain_possible_ = true;
    if (record && record->generation == op_.head().generation) {
      // What it was given; a guest that runs already is given nothing anew.
      placement_.numa = record->numa;
      placement_.serial_ports = record->serial_ports;
      placement_.pci_devices = record->pci_devices;
      placement_.mdevs = record->mdevs;
      resources_ = record->resources;
    }
    return domain.power == PowerState::kRunning ? Prior::kRunning : Prior::kNothing;
  }
  if (known || (record && record->generation < op_.head().generation)) {
    RETURN_IF_ERROR(RemoveOlder());
  }
  return Prior::kNothing;
}

// An earlier generation of this instance was here; its disk must not become the new one's.
Status Build::RemoveOlder() {
  LogWarn("removing an earlier generation of the instance", {F("instance", op_.instance())});
  RETURN_IF_ERROR(Hypervised([&] { return services_.ports.hypervisor.Destroy(op_.instance()); }));
  RETURN_IF_ERROR(UndefineGuest(op_, services_.settings.hypervisor_wait));
  services_.claims.Release(op_.instance());
  return RemoveInstanceDir(services_.settings.paths, op_.instance());
}

Status Build::Steps(Prior prior) {
  if (prior == Prior::kAnswered) return OkStatus();
  touched_ = true;
  const auto step = [this](std::string_view name, absl::FunctionRef<Status()> body) {
    return op_.Step(kFamily, name, body);
  };
  Hypervisor& hypervisor = services_.ports.hypervisor;
  // A guest that runs already is adopted, never touched: only its right to run is asked for.
  if (prior == Prior::kNothing) {
    RETURN_IF_ERROR(Prepare());
    RETURN_IF_ERROR(step("define", [&] {
      domain_possible_ = true;
      return Hypervised([&] { return hypervisor.Define(xml_); });
    }));
  }
  RETURN_IF_ERROR(step("start_permission", [&] { return AwaitPermission(); }));
  if (prior == Prior::kNothing) {
    RETURN_IF_ERROR(
        step("start", [&] { return StartGuest(op_, services_.settings.hypervisor_wait); }));
  } else {
    ForgetTpmSecret(op_);  // the agent may have died before it did
  }
  RETURN_IF_ERROR(step("wait_running", [&] { return AwaitRunning(); }));
  RETURN_IF_ERROR(step("report", [&] { return ReportActive(); }));
  // The entry has ended: what fails from here on fails nothing.
  static_cast<void>(step("cleanup", [&] {
    services_.ports.control_plane.HostChanged();
    return OkStatus();
  }));
  return OkStatus();
}

Status Build::Prepare() {
  const auto step = [this](std::string_view name, absl::FunctionRef<Status()> body) {
    return op_.Step(kFamily, name, body);
  };
  const Uuid& instance = op_.instance();
  RETURN_IF_ERROR(step("template_check", [&] { return TemplateCheck(); }));
  RETURN_IF_ERROR(step("host_claim", [&] { return HostClaim(); }));
  RETURN_IF_ERROR(
      step("mdevs", [&] { return Hypervised([&] { return EnsureMdevs(services_, instance); }); }));
  if (Status stepped =
          step("instance_dir",
               [&] {
                 RETURN_IF_ERROR(op_.Progress(TaskState::kBlockDeviceMapping, VmState::kBuilding,
                                              PowerState::kNoState));
                 return MakeInstanceDir(services_.settings.paths, instance);
               });
      !stepped.ok())
    return stepped;
  if (Status stepped = step("image",
                            [&] {
                              RETURN_IF_ERROR(op_.Progress(TaskState::kSpawning, VmState::kBuilding,
                                                           PowerState::kNoState));
                              return FetchImages();
                            });
      !stepped.ok())
    return stepped;
  RETURN_IF_ERROR(step("disk", [&] { return MakeDisk(); }));
  RETURN_IF_ERROR(step("blank_disks", [&] { return MakeBlankDisks(); }));
  RETURN_IF_ERROR(step("tpm_secret", [&]() -> Status {
    if (!devices_.tpm) return OkStatus();
    return EnsureTpmSecret(services_.settings.paths, instance).status();
  }));
  RETURN_IF_ERROR(step("config_drive", [&] { return MakeConfigDrive(); }));
  RETURN_IF_ERROR(step("network", [&] { return CheckNetworks(); }));
  return step("xml", [&]() -> Status {
    ASSIGN_OR_RETURN(const HostFacts facts, services_.facts.Get());
    ASSIGN_OR_RETURN(xml_, services_.ports.guests.DomainXml(request_, placement_, facts));
    return OkStatus();
  });
}

Status Build::TemplateCheck() {
  RETURN_IF_ERROR(services_.ports.guests.Check(request_));
  RETURN_IF_ERROR(CheckImageFitsFlavor(request_));
  return AwaitTemplate();
}

Status Build::AwaitTemplate() {
  const SteadyTime now = services_.ports.clock.Steady();
  if (!template_since_) template_since_ = now;
  const std::string hash = request_.flavor.ContentHash();
  const auto known = services_.ports.control_plane.Template(request_.flavor.flavorid, hash,
                                                            std::chrono::milliseconds(0));
  if (known.ok() && known->ContentHash() == hash) return OkStatus();
  // No session and no copy of the templates: that says nothing about the request. With one, the
  // flavor may be on its way.
  const bool unknown = HasReason(known.status(), reason::kUnavailable);
  if (unknown || now - *template_since_ < services_.settings.template_wait) {
    return op_.Park(unknown ? template_backoff_.Next() : kTemplatePoll);
  }
  RETURN_IF_ERROR(known.status());
  return CompareWithTemplate(request_.flavor, *known);
}

InstanceRecord Build::Record(VmState vm, PowerState power) const {
  InstanceRecord record;
  record.uuid = request_.instance.uuid;
  record.instance_id = request_.instance.id;
  record.generation = request_.claim.generation;
  record.claim_id = request_.claim.claim_id;
  record.resources = resources_.empty() ? model::ResourcesOf(request_.flavor) : resources_;
  record.numa = placement_.numa;
  record.serial_ports = placement_.serial_ports;
  record.pci_devices = placement_.pci_devices;
  record.mdevs = placement_.mdevs;
  record.vm_state = vm;
  record.power_state = power;
  record.build_body = body_;
  return record;
}

Status Build::AwaitPermission() {
  Status status = services_.ports.control_plane.ConfirmStart(op_.instance(), op_.head().generation);
  if (status.code() != Code::kUnavailable && status.code() != Code::kDeadlineExceeded) {
    return status;
  }
  if (!said_waiting_) {
    LogWarn("waiting for the scheduler's permission to start",
            {F("instance", op_.instance()), F("request", op_.head().request_id)});
    said_waiting_ = true;
  }
  return op_.Park(permission_backoff_.Next());
}

Status Build::AwaitRunning() {
  const SteadyTime now = services_.ports.clock.Steady();
  if (!running_since_) running_since_ = now;
  PowerState power = PowerState::kNoState;
  RETURN_IF_ERROR(Hypervised([&]() -> Status {
    ASSIGN_OR_RETURN(power, op_.Power());
    return OkStatus();
  }));
  // Off again already: it did run, and an observation will say that it stopped.
  if (power == PowerState::kRunning || power == PowerState::kShutdown) return OkStatus();
  if (power == PowerState::kCrashed) {
    return Error(Code::kAborted, reason::kGuestCrashed, "the guest crashed as it started");
  }
  if (now - *running_since_ > services_.settings.start_timeout) {
    return Error(Code::kInternal, reason::kHypervisorRefused, "the guest did not come to run");
  }
  return op_.Park(running_backoff_.Next());
}

Status Build::ReportActive() {
  Journal::Completion end;
  end.state = EntryState::kDone;
  end.upsert = Record(VmState::kActive, PowerState::kRunning);
  end.upsert->launched = true;
  end.report = op_.Report(Outcome::kDone, VmState::kActive, PowerState::kRunning);
  end.report->launched_at = services_.ports.clock.Now();
  end.report->timings = op_.timings();
  RETURN_IF_ERROR(op_.Complete(std::move(end)));
  services_.counters.Add("builds.done");
  LogInfo("instance built",
          {F("instance", op_.instance()), F("request", op_.head().request_id),
           F("generation", op_.head().generation), F("steps", op_.TimingsText())});
  return OkStatus();
}

void Build::Fail(const Status& why) {
  if (abandoned_) {
    // A second message about a guest that is here must not end it.
    const auto record = services_.ports.journal.Instance(op_.instance());
    const auto answered = record.ok() ? AnsweredBefore(*record) : Expected<bool>(record.status());
    if (!answered.ok() || *answered) return;  // what cannot be recorded waits for the restart
    touched_ = domain_possible_ = true;
  }
  const Status undone = touched_ ? Undo() : OkStatus();
  if (op_.TakeParked()) return;
  if (HasReason(undone, reason::kJournalFailed) || op_.EndIfCancelled()) return;
  ReportFailed(why, undone);
}

void Build::ReportFailed(const Status& why, const Status& undone) {
  const model::Fault fault = MakeFault(why);
  Journal::Completion end;
  end.state = EntryState::kFailed;
  end.report = op_.Report(Outcome::kFailed, VmState::kError, PowerState::kNoState);
  end.report->fault = fault;
  if (!touched_) {
    // Nothing was made, and what an earlier generation may have left is not ours to remove.
  } else if (undone.ok()) {
    end.remove = op_.instance();
  } else {
    // Something is left, maybe a guest: it keeps its claim until it is undone, which the reconciler
    // sees to, and no other host may begin.
    LogError(
        "a failed build could not be undone yet",
        {F("instance", op_.instance()), F("request", op_.head().request_id), F("why", undone)});
    end.report->fault->retryable = false;
    const auto power = op_.Power();
    // What it was given stays its own until then.
    const auto known = services_.ports.journal.Instance(op_.instance());
    const bool recorded = known.ok() && known->has_value();
    end.upsert = recorded ? **known : Record(VmState::kError, PowerState::kNoState);
    end.upsert->vm_state = VmState::kError;
    end.upsert->power_state = power.value_or(PowerState::kNoState);
    end.upsert->undo_pending = true;
    end.report->power_state = end.upsert->power_state;
  }
  const Status reported = op_.Step("undo", "report", [&] { return op_.Complete(std::move(end)); });
  if (undone.ok() && reported.ok()) services_.claims.Release(op_.instance());
  if (!undone.ok()) services_.undo_is_pending();
  services_.counters.Add("builds.failed." + fault.reason);
  services_.ports.control_plane.HostChanged();
}

Status Build::Undo() { return UndoSteps(op_, domain_possible_, request_.nics); }

}  // namespace kilonova::agent::core
