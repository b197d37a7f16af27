// SPDX-License-Identifier: Apache-2.0
#include "agent/core/guest_control.h"
#include "agent/core/power.h"
#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

using model::PowerState;
using model::RebootType;
using model::TaskState;
using model::VmState;

class Reboot {
 public:
  Reboot(Operation& op, const InstanceRecord& record) : op_(op), record_(record) {}

  Status Run(RebootType type) {
    RETURN_IF_ERROR(Hypervised([&]() -> Status {
      ASSIGN_OR_RETURN(power_, op_.Power());
      return OkStatus();
    }));
    const bool soft = type == RebootType::kSoft;
    RETURN_IF_ERROR(Say(soft ? TaskState::kRebootPending : TaskState::kRebootPendingHard));
    RETURN_IF_ERROR(Say(soft ? TaskState::kRebootStarted : TaskState::kRebootStartedHard));
    bool heeded = false;
    if (soft) {
      ASSIGN_OR_RETURN(heeded, AskGuest());
      if (!heeded) LogInfo("soft reboot becomes a hard one", {F("instance", op_.instance())});
    }
    if (!heeded) RETURN_IF_ERROR(PullPlug());
    RETURN_IF_ERROR(Step(
        "start", [&] { return Hypervised([&] { return hypervisor().Start(op_.instance()); }); }));
    return Step("report",
                [&] { return EndAction(op_, record_, VmState::kActive, PowerState::kRunning); });
  }

 private:
  Hypervisor& hypervisor() { return op_.services().ports.hypervisor; }
  Status Step(std::string_view name, absl::FunctionRef<Status()> body) {
    return op_.Step("reboot", name, body);
  }
  Status Hypervised(absl::FunctionRef<Status()> call) {
    return op_.WithHypervisor(call, op_.services().settings.hypervisor_wait);
  }
  Status Say(TaskState task) { return op_.Progress(task, record_.vm_state, power_); }

  // False when the guest is not running or does not heed the button: then it must be made to.
  Expected<bool> AskGuest() {
    bool off = false;
    const Status status = Step("shutdown", [&]() -> Status {
      if (power_ != PowerState::kRunning) return OkStatus();
      ASSIGN_OR_RETURN(off, CleanShutdown(op_, op_.services().settings.soft_reboot_timeout,
                                          std::chrono::milliseconds(0)));
      return OkStatus();
    });
    RETURN_IF_ERROR(status);
    return off;
  }

  Status PullPlug() {
    // Made before anything is pulled: a guest that cannot be described again keeps its definition.
    auto xml = RebuildXml(op_, record_);
    if (!xml.ok()) {
      LogWarn("the guest's definition cannot be made again, libvirt's is kept",
              {F("instance", op_.instance()), F("why", xml.status())});
      xml = std::string();
    }
    RETURN_IF_ERROR(Step("destroy", [&] {
      return Hypervised([&] { return hypervisor().Destroy(op_.instance()); });
    }));
    return Step("define", [&]() -> Status {
      if (xml->empty()) return OkStatus();
      return Hypervised([&] { return hypervisor().Define(*xml); });
    });
  }

  Operation& op_;
  const InstanceRecord& record_;
  PowerState power_ = PowerState::kNoState;
};

}  // namespace

void RunReboot(Services& services, OperationHead head, Cancellation& cancel, RebootType type) {
  Operation op(services, std::move(head), cancel);
  const auto record = RecordFor(op);
  if (!record.ok()) return FailAction(op, std::nullopt, VmState::kError, record.status());
  const Status status = Reboot(op, *record).Run(type);
  if (status.ok()) return;
  // As in Nova: a guest that runs is well, whatever became of its reboot.
  const auto power = op.Power();
  const bool runs = power.ok() && *power == PowerState::kRunning;
  FailAction(op, *record, runs ? VmState::kActive : VmState::kError, status);
}

}  // namespace kilonova::agent::core
