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

class Reboot final : public Runnable {
 public:
  Reboot(Services& services, OperationHead head, Cancellation& cancel, RebootType type)
      : op_(services, std::move(head), cancel),
        type_(type),
        shutdown_(services.settings.soft_reboot_timeout, std::chrono::milliseconds(0)) {}

  void Run() override {
    auto record = RecordFor(op_);
    if (!record.ok()) return FailAction(op_, std::nullopt, VmState::kError, record.status());
    record_ = *std::move(record);
    if (const Status never = RequireLaunched(record_); !never.ok()) {
      return FailAction(op_, record_, record_.vm_state, never);
    }
    const Status status = Steps();
    if (status.ok() || op_.TakeParked()) return;
    // As in Nova: a guest that runs is well, whatever became of its reboot.
    const auto power = op_.Power();
    const bool runs = power.ok() && *power == PowerState::kRunning;
    FailAction(op_, record_, runs ? VmState::kActive : VmState::kError, status);
  }

 private:
  Status Steps() {
    const bool soft = type_ == RebootType::kSoft;
    if (!power_) {
      RETURN_IF_ERROR(Hypervised([&]() -> Status {
        ASSIGN_OR_RETURN(power_, op_.Power());
        return OkStatus();
      }));
      RETURN_IF_ERROR(Say(soft ? TaskState::kRebootPending : TaskState::kRebootPendingHard));
      RETURN_IF_ERROR(Say(soft ? TaskState::kRebootStarted : TaskState::kRebootStartedHard));
    }
    if (soft) RETURN_IF_ERROR(AskGuest());
    if (!heeded_) RETURN_IF_ERROR(PullPlug());
    RETURN_IF_ERROR(
        Step("start", [&] { return StartGuest(op_, op_.services().settings.hypervisor_wait); }));
    return Step("report",
                [&] { return EndAction(op_, record_, VmState::kActive, PowerState::kRunning); });
  }

  Hypervisor& hypervisor() { return op_.services().ports.hypervisor; }
  Status Step(std::string_view name, absl::FunctionRef<Status()> body) {
    return op_.Step("reboot", name, body);
  }
  Status Hypervised(absl::FunctionRef<Status()> call) {
    return op_.WithHypervisor(call, op_.services().settings.hypervisor_wait);
  }
  Status Say(TaskState task) { return op_.Progress(task, record_.vm_state, *power_); }

  // The guest is not heeding when it does not run or ignores the button: then it must be made to.
  Status AskGuest() {
    if (asked_) return OkStatus();
    RETURN_IF_ERROR(Step("shutdown", [&]() -> Status {
      if (*power_ != PowerState::kRunning) return OkStatus();
      ASSIGN_OR_RETURN(heeded_, shutdown_.Run(op_));
      return OkStatus();
    }));
    asked_ = true;
    if (!heeded_) LogInfo("soft reboot becomes a hard one", {F("instance", op_.instance())});
    return OkStatus();
  }

  Status PullPlug() {
    // Made before anything is pulled: a guest that cannot be described again keeps its definition.
    if (!xml_) {
      auto xml = RebuildXml(op_, record_);
      if (op_.parked()) return xml.status();
      if (!xml.ok()) {
        LogWarn("the guest's definition cannot be made again, libvirt's is kept",
                {F("instance", op_.instance()), F("why", xml.status())});
      }
      xml_ = xml.ok() ? *std::move(xml) : std::string();
    }
    RETURN_IF_ERROR(Step("destroy", [&] {
      return Hypervised([&] { return hypervisor().Destroy(op_.instance()); });
    }));
    return Step("define", [&]() -> Status {
      if (xml_->empty()) return OkStatus();
      return Hypervised([&] { return hypervisor().Define(*xml_); });
    });
  }

  Operation op_;
  const RebootType type_;
  CleanShutdown shutdown_;
  InstanceRecord record_;
  std::optional<PowerState> power_;
  std::optional<std::string> xml_;
  bool asked_ = false, heeded_ = false;
};

}  // namespace

std::unique_ptr<Runnable> MakeReboot(Services& services, OperationHead head, Cancellation& cancel,
                                     RebootType type) {
  return std::make_unique<Reboot>(services, std::move(head), cancel, type);
}

}  // namespace kilonova::agent::core
