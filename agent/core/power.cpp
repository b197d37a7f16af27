// SPDX-License-Identifier: Apache-2.0
#include "agent/core/power.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/core/guest_control.h"
#include "agent/core/serial_ports.h"
#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

using model::PowerState;
using model::VmState;

// Somebody else may have taken a port while the guest was off.
bool PortsAreFree(Services& services, const InstanceRecord& record) {
  const std::string& address = services.settings.serial_console.proxyclient_address;
  return std::ranges::all_of(record.serial_ports,
                             [&address](int port) { return CanListen(address, port); });
}

// Durable before the guest is defined with them: the record is what the definition follows.
Status ReplacePorts(Services& services, InstanceRecord& record) {
  HostClaims& claims = services.claims;
  const std::vector<int> former = record.serial_ports;
  for (const int port : former) claims.DropPort(record.uuid, port);
  auto ports = TakeSerialPorts(services.settings.serial_console, claims, record.uuid,
                               static_cast<int>(former.size()));
  if (!ports.ok()) {
    for (const int port : former) claims.TakePort(record.uuid, port);
    return ports.status();
  }
  record.serial_ports = *std::move(ports);
  Journal::Completion kept;
  kept.upsert = record;
  return services.ports.journal.Complete(kept);
}

Status RenewDefinition(Operation& op, InstanceRecord& record) {
  ASSIGN_OR_RETURN(const std::string xml, RebuildXml(op, record));
  if (xml.empty()) {
    return Error(Code::kNotFound, reason::kDomainNotFound, "the guest's definition is lost");
  }
  return op.WithHypervisor([&] { return op.services().ports.hypervisor.Define(xml); },
                           op.services().settings.hypervisor_wait);
}

// What libvirt has is kept, but where it names ports of the host: as in Nova at every start.
Status EnsureDefinition(Operation& op, InstanceRecord& record) {
  Services& services = op.services();
  PowerState power = PowerState::kNoState;
  RETURN_IF_ERROR(op.WithHypervisor(
      [&]() -> Status {
        ASSIGN_OR_RETURN(power, op.Power());
        return OkStatus();
      },
      services.settings.hypervisor_wait));
  if (power == PowerState::kNoState) return RenewDefinition(op, record);
  if (power != PowerState::kShutdown || record.serial_ports.empty()) return OkStatus();
  if (!PortsAreFree(services, record)) RETURN_IF_ERROR(ReplacePorts(services, record));
  return RenewDefinition(op, record);
}

Status StartSteps(Operation& op, InstanceRecord& record) {
  const auto limit = op.services().settings.hypervisor_wait;
  RETURN_IF_ERROR(op.Step("start", "define", [&] { return EnsureDefinition(op, record); }));
  RETURN_IF_ERROR(op.Step("start", "start", [&] { return StartGuest(op, limit); }));
  return op.Step("start", "report",
                 [&] { return EndAction(op, record, VmState::kActive, PowerState::kRunning); });
}

class Start final : public Runnable {
 public:
  Start(Services& services, OperationHead head, Cancellation& cancel)
      : op_(services, std::move(head), cancel) {}

  void Run() override {
    auto record = RecordFor(op_);
    if (!record.ok()) return FailAction(op_, std::nullopt, VmState::kError, record.status());
    Status status = RequireLaunched(*record);
    if (status.ok()) status = StartSteps(op_, *record);
    if (status.ok() || op_.TakeParked()) return;
    // As in Nova, an action that failed leaves the instance what it was.
    FailAction(op_, *record, record->vm_state, status);
  }

 private:
  Operation op_;
};

class Stop final : public Runnable {
 public:
  Stop(Services& services, OperationHead head, Cancellation& cancel, bool clean)
      : op_(services, std::move(head), cancel), clean_(clean) {}

  void Run() override {
    const auto record = RecordFor(op_);
    if (!record.ok()) return FailAction(op_, std::nullopt, VmState::kError, record.status());
    Status status = RequireLaunched(*record);
    if (status.ok()) status = Steps(*record);
    if (status.ok() || op_.TakeParked()) return;
    FailAction(op_, *record, record->vm_state, status);
  }

 private:
  Status Steps(const InstanceRecord& record) {
    Services& services = op_.services();
    if (!shutdown_) {
      shutdown_.emplace(ShutdownTimeout(services, record), services.settings.shutdown_retry);
    }
    RETURN_IF_ERROR(op_.Step("stop", "shutdown", [&]() -> Status {
      if (!clean_) return OkStatus();
      return shutdown_->Run(op_).status();
    }));
    // As in Nova, also of a guest that went down: it is off before its process has ended.
    RETURN_IF_ERROR(op_.Step("stop", "destroy", [&] {
      return op_.WithHypervisor([&] { return services.ports.hypervisor.Destroy(op_.instance()); },
                                services.settings.hypervisor_wait);
    }));
    return op_.Step("stop", "report", [&] {
      return EndAction(op_, record, VmState::kStopped, PowerState::kShutdown);
    });
  }

  Operation op_;
  const bool clean_;
  std::optional<CleanShutdown> shutdown_;
};

}  // namespace

std::unique_ptr<Runnable> MakeStart(Services& services, OperationHead head, Cancellation& cancel) {
  return std::make_unique<Start>(services, std::move(head), cancel);
}

std::unique_ptr<Runnable> MakeStop(Services& services, OperationHead head, Cancellation& cancel,
                                   bool clean_shutdown) {
  return std::make_unique<Stop>(services, std::move(head), cancel, clean_shutdown);
}

}  // namespace kilonova::agent::core
