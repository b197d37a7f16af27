// SPDX-License-Identifier: Apache-2.0
#include "agent/core/power.h"

#include "agent/core/guest_control.h"
#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

using model::PowerState;
using model::VmState;

Status StartSteps(Operation& op, const InstanceRecord& record) {
  Hypervisor& hypervisor = op.services().ports.hypervisor;
  const auto limit = op.services().settings.hypervisor_wait;
  if (const Status stepped =
          op.Step("start", "define",
                  [&]() -> Status {
                    PowerState power = PowerState::kNoState;
                    RETURN_IF_ERROR(op.WithHypervisor(
                        [&]() -> Status {
                          ASSIGN_OR_RETURN(power, op.Power());
                          return OkStatus();
                        },
                        limit));
                    if (power != PowerState::kNoState) return OkStatus();  // libvirt has it
                    ASSIGN_OR_RETURN(const std::string xml, RebuildXml(op, record));
                    if (xml.empty()) {
                      return Error(Code::kNotFound, reason::kDomainNotFound,
                                   "the guest's definition is lost");
                    }
                    return op.WithHypervisor([&] { return hypervisor.Define(xml); }, limit);
                  });
      !stepped.ok())
    return stepped;
  RETURN_IF_ERROR(op.Step("start", "start", [&] {
    return op.WithHypervisor([&] { return hypervisor.Start(op.instance()); }, limit);
  }));
  return op.Step("start", "report",
                 [&] { return EndAction(op, record, VmState::kActive, PowerState::kRunning); });
}

Status StopSteps(Operation& op, const InstanceRecord& record, bool clean) {
  Services& services = op.services();
  bool off = false;
  RETURN_IF_ERROR(op.Step("stop", "shutdown", [&]() -> Status {
    if (!clean) return OkStatus();
    ASSIGN_OR_RETURN(off, CleanShutdown(op, ShutdownTimeout(services, record),
                                        services.settings.shutdown_retry));
    return OkStatus();
  }));
  RETURN_IF_ERROR(op.Step("stop", "destroy", [&]() -> Status {
    if (off) return OkStatus();
    return op.WithHypervisor([&] { return services.ports.hypervisor.Destroy(op.instance()); },
                             services.settings.hypervisor_wait);
  }));
  return op.Step("stop", "report",
                 [&] { return EndAction(op, record, VmState::kStopped, PowerState::kShutdown); });
}

}  // namespace

void RunStart(Services& services, OperationHead head, Cancellation& cancel) {
  Operation op(services, std::move(head), cancel);
  const auto record = RecordFor(op);
  if (!record.ok()) return FailAction(op, std::nullopt, VmState::kError, record.status());
  // As in Nova, an action that failed leaves the instance what it was.
  const Status status = StartSteps(op, *record);
  if (!status.ok()) FailAction(op, *record, record->vm_state, status);
}

void RunStop(Services& services, OperationHead head, Cancellation& cancel, bool clean_shutdown) {
  Operation op(services, std::move(head), cancel);
  const auto record = RecordFor(op);
  if (!record.ok()) return FailAction(op, std::nullopt, VmState::kError, record.status());
  const Status status = StopSteps(op, *record, clean_shutdown);
  if (!status.ok()) FailAction(op, *record, record->vm_state, status);
}

}  // namespace kilonova::agent::core
