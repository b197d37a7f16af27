// SPDX-License-Identifier: Apache-2.0
#include "agent/core/guest_control.h"

#include <charconv>

#include "agent/core/faults.h"
#include "agent/core/host_topology.h"
#include "agent/core/mdevs.h"
#include "agent/core/serial_ports.h"
#include "agent/core/tpm_secret.h"
#include "common/base/log.h"

namespace kilonova::agent::core {

using model::PowerState;

namespace {

// A guest of the time before serial consoles were enabled has no ports yet.
Status CompletePorts(Operation& op, const model::BuildRequest& build, InstanceRecord& record) {
  Services& services = op.services();
  ASSIGN_OR_RETURN(const DevicesWanted devices, services.ports.guests.Devices(build));
  if (std::cmp_greater_equal(record.serial_ports.size(), devices.serial_ports)) return OkStatus();
  ASSIGN_OR_RETURN(record.serial_ports,
                   TakeSerialPorts(services.settings.serial_console, services.claims, op.instance(),
                                   devices.serial_ports));
  Journal::Completion kept;
  kept.upsert = record;
  return services.ports.journal.Complete(kept);
}

}  // namespace

Expected<InstanceRecord> RecordFor(Operation& op) {
  ASSIGN_OR_RETURN(auto record, op.services().ports.journal.Instance(op.instance()));
  if (!record) {
    return Error(Code::kNotFound, reason::kInstanceNotFound, "the instance is not on this host");
  }
  if (record->generation != op.head().generation) {
    return Error(Code::kFailedPrecondition, reason::kClaimStale,
                 "the instance has been placed anew or is gone");
  }
  return *std::move(record);
}

Status RequireLaunched(const InstanceRecord& record) {
  if (record.launched && record.vm_state != model::VmState::kBuilding) return OkStatus();
  return Error(Code::kFailedPrecondition, reason::kInstanceStateConflict,
               "the instance has never been launched",
               {{"vm_state", std::string(model::Name(record.vm_state))}});
}

Expected<bool> CleanShutdown::Run(Operation& op) {
  const SteadyTime now = op.services().ports.clock.Steady();
  if (!begin_) begin_ = now;
  PowerState power = PowerState::kNoState;
  RETURN_IF_ERROR(op.WithHypervisor([&]() -> Status {
    ASSIGN_OR_RETURN(power, op.Power());
    return OkStatus();
  }));
  if (power != PowerState::kRunning && power != PowerState::kPaused) return true;
  if (now - *begin_ >= timeout_) return false;
  if (!pressed_ || (retry_.count() > 0 && now - *pressed_ >= retry_)) {
    // A guest that is just starting or just going may make libvirt refuse; the wait decides.
    const Status press = op.services().ports.hypervisor.Shutdown(op.instance());
    if (!press.ok()) LogDebug("power button", {F("instance", op.instance()), F("why", press)});
    pressed_ = now;
  }
  return op.Park(op.services().settings.poll);
}

std::chrono::milliseconds ShutdownTimeout(Services& services, const InstanceRecord& record) {
  const auto fallback = services.settings.shutdown_timeout;
  if (record.build_body.empty()) return fallback;
  const auto request = services.ports.decoder.Decode(record.build_body);
  if (!request.ok()) return fallback;
  const auto* build = std::get_if<model::BuildRequest>(&request->body);
  if (build == nullptr) return fallback;
  const auto it = build->image.properties.find("os_shutdown_timeout");
  if (it == build->image.properties.end()) return fallback;
  int seconds = 0;
  const auto [end, error] =
      std::from_chars(it->second.data(), it->second.data() + it->second.size(), seconds);
  const bool whole = error == std::errc() && end == it->second.data() + it->second.size();
  return whole && seconds >= 0 && seconds <= 3600 ? std::chrono::seconds(seconds) : fallback;
}

Status StartGuest(Operation& op, std::optional<std::chrono::milliseconds> most) {
  Services& services = op.services();
  Hypervisor& hypervisor = services.ports.hypervisor;
  ASSIGN_OR_RETURN(const auto secret, ReadTpmSecret(services.settings.paths, op.instance()));
  Status started = op.WithHypervisor(
      [&]() -> Status {
        RETURN_IF_ERROR(EnsureMdevs(services, op.instance()));
        if (secret) RETURN_IF_ERROR(hypervisor.SetTpmSecret(op.instance(), *secret));
        return hypervisor.Start(op.instance());
      },
      most);
  if (secret && !op.parked()) ForgetTpmSecret(op);
  return started;
}

void ForgetTpmSecret(Operation& op) {
  Services& services = op.services();
  if (!HasTpmSecret(services.settings.paths, op.instance())) return;
  const Status forgotten = services.ports.hypervisor.ForgetTpmSecret(op.instance());
  if (!forgotten.ok()) {
    LogWarn("libvirt may still hold a TPM's passphrase",
            {F("instance", op.instance()), F("why", forgotten)});
  }
}

Status UndefineGuest(Operation& op, std::optional<std::chrono::milliseconds> most) {
  Services& services = op.services();
  const bool secret = HasTpmSecret(services.settings.paths, op.instance());
  return op.WithHypervisor(
      [&]() -> Status {
        RETURN_IF_ERROR(services.ports.hypervisor.Undefine(op.instance()));
        return secret ? services.ports.hypervisor.ForgetTpmSecret(op.instance()) : OkStatus();
      },
      most);
}

Expected<std::string> RebuildXml(Operation& op, InstanceRecord& record) {
  if (record.build_body.empty()) return std::string();
  Services& services = op.services();
  ASSIGN_OR_RETURN(const auto request, services.ports.decoder.Decode(record.build_body));
  const auto* build = std::get_if<model::BuildRequest>(&request.body);
  if (build == nullptr) {
    return Error(Code::kInternal, reason::kInternal, "the instance's record holds no build");
  }
  HostFacts facts;
  RETURN_IF_ERROR(op.WithHypervisor(
      [&]() -> Status {
        ASSIGN_OR_RETURN(facts, services.facts.Get());
        return OkStatus();
      },
      services.settings.hypervisor_wait));
  RETURN_IF_ERROR(CompletePorts(op, *build, record));
  // In the cache as long as a disk stands on it, so nothing is fetched.
  const std::uint64_t any_size = UINT64_MAX;
  GuestPlacement placement;
  placement.numa = record.numa;
  placement.serial_ports = record.serial_ports;
  placement.pci_devices = record.pci_devices;
  placement.mdevs = record.mdevs;
  ASSIGN_OR_RETURN(placement.host_numa, HostTopology(services.settings, facts));
  if (services.ports.images.DiskFormat() == "qcow2") {
    ASSIGN_OR_RETURN(placement.root,
                     services.ports.images.Ensure(build->image, any_size, op.token()));
  } else {
    placement.root.format = "raw";  // a copy: it stands on nothing
  }
  return services.ports.guests.DomainXml(*build, placement, facts);
}

Status EndAction(Operation& op, InstanceRecord record, model::VmState vm, PowerState power) {
  record.vm_state = vm;
  record.power_state = power;
  Journal::Completion end;
  end.upsert = std::move(record);
  end.report = op.Report(model::Outcome::kDone, vm, power);
  RETURN_IF_ERROR(op.Complete(std::move(end)));
  op.services().counters.Add("actions.done");
  LogInfo("action done", {F("instance", op.instance()), F("request", op.head().request_id),
                          F("operation", op.head().operation), F("steps", op.TimingsText())});
  op.services().ports.control_plane.HostChanged();
  return OkStatus();
}

void FailAction(Operation& op, std::optional<InstanceRecord> record, model::VmState vm,
                const Status& why) {
  if (HasReason(why, reason::kJournalFailed) || op.EndIfCancelled()) return;
  LogError("action failed", {F("instance", op.instance()), F("request", op.head().request_id),
                             F("operation", op.head().operation), F("why", why)});
  op.services().counters.Add("actions.failed." + ReasonOf(why));
  const auto power = op.Power();
  Journal::Completion end;
  end.state = EntryState::kFailed;
  const PowerState now =
      power.ok() ? *power : (record ? record->power_state : PowerState::kNoState);
  end.report = op.Report(model::Outcome::kFailed, vm, now);
  end.report->fault = MakeFault(why);
  if (record) {
    record->vm_state = vm;
    record->power_state = now;
    end.upsert = std::move(record);
  }
  static_cast<void>(op.Complete(std::move(end)));
}

}  // namespace kilonova::agent::core
