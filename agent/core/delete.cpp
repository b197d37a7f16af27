// SPDX-License-Identifier: Apache-2.0
#include "agent/core/delete.h"

#include "agent/core/faults.h"
#include "agent/core/guest_control.h"
#include "agent/core/instance_files.h"
#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

using model::Outcome;
using model::PowerState;
using model::VmState;

class Delete final : public Runnable {
 public:
  Delete(Services& services, OperationHead head, Cancellation& cancel)
      : op_(services, std::move(head), cancel), services_(services) {}

  void Run() override {
    const Status status = Steps();
    if (op_.TakeParked()) return;
    if (status.ok() || HasReason(status, reason::kJournalFailed)) return;
    if (op_.EndIfCancelled()) return;
    Fail(status);
  }

 private:
  Status Step(std::string_view name, absl::FunctionRef<Status()> body) {
    return op_.Step("delete", name, body);
  }

  Status Steps() {
    ASSIGN_OR_RETURN(const auto record, services_.ports.journal.Instance(op_.instance()));
    ASSIGN_OR_RETURN(const bool newer, HasNewer(record));
    if (newer) return Finish();
    Hypervisor& hypervisor = services_.ports.hypervisor;
    RETURN_IF_ERROR(Step("destroy", [&] {
      return op_.WithHypervisor([&] { return hypervisor.Destroy(op_.instance()); });
    }));
    RETURN_IF_ERROR(Step("undefine", [&] { return UndefineGuest(op_); }));
    if (Status stepped = Step("network",
                              [&]() -> Status {
                                if (!record) return OkStatus();
                                for (const model::NicRequest& nic : NicsOf(services_, *record)) {
                                  RETURN_IF_ERROR(services_.ports.networks.Remove(nic));
                                }
                                return OkStatus();
                              });
        !stepped.ok())
      return stepped;
    RETURN_IF_ERROR(
        Step("files", [&] { return RemoveInstanceDir(services_.settings.paths, op_.instance()); }));
    RETURN_IF_ERROR(Step("claim", [&] {
      services_.claims.Release(op_.instance());
      return OkStatus();
    }));
    RETURN_IF_ERROR(Step("report", [&] { return Finish(op_.instance()); }));
    services_.counters.Add("deletes.done");
    LogInfo("instance deleted",
            {F("instance", op_.instance()), F("request", op_.head().request_id),
             F("generation", op_.head().generation), F("steps", op_.TimingsText())});
    services_.ports.control_plane.HostChanged();
    return OkStatus();
  }

  // A later generation was placed here meanwhile: this order is not about it.
  Expected<bool> HasNewer(const std::optional<InstanceRecord>& record) {
    if (record) return record->generation > op_.head().generation;
    bool newer = false;
    if (const Status stepped = op_.WithHypervisor([&]() -> Status {
          const auto info = services_.ports.hypervisor.State(op_.instance());
          if (HasReason(info.status(), reason::kDomainNotFound)) return OkStatus();
          RETURN_IF_ERROR(info.status());
          newer = info->owner.generation > op_.head().generation;
          return OkStatus();
        });
        !stepped.ok())
      return stepped;
    return newer;
  }

  Status Finish(std::optional<Uuid> remove = std::nullopt) {
    Journal::Completion end;
    if (remove) {
      end.remove = std::move(remove);
      end.tombstone_generation = op_.head().generation;
    }
    if (op_.head().entry_id != 0) {
      end.report = op_.Report(Outcome::kDone, VmState::kDeleted, PowerState::kNoState);
    }
    return op_.Complete(std::move(end));
  }

  void Fail(const Status& why) {
    LogError("delete failed",
             {F("instance", op_.instance()), F("request", op_.head().request_id), F("why", why)});
    services_.counters.Add("deletes.failed." + ReasonOf(why));
    if (op_.head().entry_id == 0) return;
    Journal::Completion end;
    end.state = EntryState::kFailed;
    end.report = op_.Report(Outcome::kFailed, VmState::kError, PowerState::kNoState);
    end.report->fault = MakeFault(why);
    static_cast<void>(op_.Complete(std::move(end)));
  }

  Operation op_;
  Services& services_;
};

}  // namespace

std::unique_ptr<Runnable> MakeDelete(Services& services, OperationHead head, Cancellation& cancel) {
  return std::make_unique<Delete>(services, std::move(head), cancel);
}

std::vector<model::NicRequest> NicsOf(Services& services, const InstanceRecord& record) {
  if (record.build_body.empty()) return {};
  const auto request = services.ports.decoder.Decode(record.build_body);
  if (!request.ok()) return {};
  const auto* build = std::get_if<model::BuildRequest>(&request->body);
  return build == nullptr ? std::vector<model::NicRequest>{} : build->nics;
}

}  // namespace kilonova::agent::core
