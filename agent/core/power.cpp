// SPDX-License-Identifier: Apache-2.0
#include "agent/core/power.h"

#include <algorithm>
#include <utility>

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

Status RenewDefinition(Operation& op, InstanceRecord& record) {
  ASSIGN_OR_RETURN(const std::string xml, RebuildXml(op, record));
  if (xml.empty()) {
    return Error(Code::kNotFound, reason::kDomainNotFound, "the guest's definition is lost");
  }
  return op.WithHypervisor([&] { return op.services().ports.hypervisor.Define(xml); },
                           op.services().settings.hypervisor_wait);
}

Status StartSteps(Operation& op, InstanceRecord& record) {
  const auto limit = op.services().settings.hypervisor_wait;
  if (const Status stepped = op.Step("start", "define",
                                     [&]() -> Status {
                                       PowerState power = PowerState::kNoState;
                                       RETURN_IF_ERROR(op.WithHypervisor(
                                           [&]() -> Status {
                                             ASSIGN_OR_RETURN(power, op.Power());
                                             return OkStatus();
                                           },
                                           limit));
                                       if (power == PowerState::kNoState)
                                         return RenewDefinition(op, record);
                                       // libvirt has it
                                       if (power == PowerState::kRunning) return OkStatus();
                                       if (PortsAreFree(op.services(), record)) return OkStatus();
                                       for (const int port :
                                            std::exchange(record.serial_ports, {})) {
                                         op.services().claims.DropPort(op.instance(), port);
                                       }
                                       return RenewDefinition(op, record);
                                     });
      !stepped.ok())
    return stepped;
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
      ASSIGN_OR_RETURN(off_, shutdown_->Run(op_));
      return OkStatus();
    }));
    RETURN_IF_ERROR(op_.Step("stop", "destroy", [&]() -> Status {
      if (off_) return OkStatus();
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
  bool off_ = false;
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
