// SPDX-License-Identifier: Apache-2.0
#include "agent/core/undo.h"

#include <algorithm>

#include "agent/core/delete.h"
#include "agent/core/guest_control.h"
#include "agent/core/instance_files.h"
#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

class Undo final : public Runnable {
 public:
  Undo(Services& services, const InstanceRecord& record, Cancellation& cancel)
      : op_(services, {0, "", "build", record.uuid, record.generation}, cancel),
        services_(services),
        generation_(record.generation) {}

  void Run() override {
    const auto record = services_.ports.journal.Instance(op_.instance());
    if (!record.ok() || !*record || !(*record)->undo_pending ||
        (*record)->generation != generation_) {
      return;  // somebody was faster
    }
    const Status undone = UndoSteps(op_, true, NicsOf(services_, **record));
    if (op_.TakeParked() || op_.EndIfCancelled()) return;
    if (!undone.ok()) {
      services_.counters.Add("undos.failed");
      LogWarn("a failed build still cannot be undone",
              {F("instance", op_.instance()), F("why", undone)});
      return;
    }
    Journal::Completion end;
    end.remove = op_.instance();
    if (!op_.Complete(std::move(end)).ok()) return;
    services_.claims.Release(op_.instance());
    services_.counters.Add("undos.done");
    LogInfo("a failed build has been undone", {F("instance", op_.instance())});
    services_.ports.control_plane.HostChanged();
  }

 private:
  Operation op_;
  Services& services_;
  const std::int64_t generation_;
};

}  // namespace

Status UndoSteps(Operation& op, bool domain_possible, const std::vector<model::NicRequest>& nics) {
  Services& services = op.services();
  Hypervisor& hypervisor = services.ports.hypervisor;
  RETURN_IF_ERROR(op.Step("undo", "destroy", [&]() -> Status {
    if (!domain_possible) return OkStatus();
    return op.WithHypervisor([&] { return hypervisor.Destroy(op.instance()); });
  }));
  RETURN_IF_ERROR(op.Step("undo", "undefine", [&]() -> Status {
    if (!domain_possible) return OkStatus();
    return UndefineGuest(op);
  }));
  if (Status stepped = op.Step("undo", "network",
                               [&]() -> Status {
                                 for (const model::NicRequest& nic : nics) {
                                   RETURN_IF_ERROR(services.ports.networks.Remove(nic));
                                 }
                                 return OkStatus();
                               });
      !stepped.ok()) {
    return stepped;
  }
  return op.Step("undo", "files",
                 [&] { return RemoveInstanceDir(services.settings.paths, op.instance()); });
}

std::unique_ptr<Runnable> MakeUndo(Services& services, const InstanceRecord& record,
                                   Cancellation& cancel) {
  return std::make_unique<Undo>(services, record, cancel);
}

bool UndoRetries::Due(const Uuid& instance, SteadyTime now) {
  auto it = tries_.find(instance);
  if (it == tries_.end()) {
    Try begin{now, Backoff(first_, most_)};
    begin.at = now + begin.backoff.Next();
    tries_.emplace(instance, begin);
    return false;
  }
  if (now < it->second.at) return false;
  it->second.at = now + it->second.backoff.Next();
  return true;
}

void UndoRetries::KeepOnly(const std::vector<Uuid>& pending) {
  std::erase_if(tries_, [&pending](const auto& entry) {
    return std::ranges::find(pending, entry.first) == pending.end();
  });
}

std::optional<SteadyTime> UndoRetries::Next() const {
  std::optional<SteadyTime> next;
  for (const auto& [uuid, one] : tries_) next = std::min(next.value_or(one.at), one.at);
  return next;
}

}  // namespace kilonova::agent::core
