// SPDX-License-Identifier: Apache-2.0
// Messages that the broker confirmed and that were lost all the same: a queue deleted, the broker's
// data gone, an agent's journal made anew. Told by a task that goes on and that its host does not
// know of; sent again under a new unique_id and the same generation, so that a copy which did
// arrive has the one effect there is (docs/formats/queue.md).
#include <algorithm>
#include <set>
#include <utility>

#include "common/base/log.h"
#include "scheduler/core/conductor_impl.h"

namespace kilonova::scheduler::core {
namespace {

using model::ActionKind;
using model::RebootType;
using model::TaskState;

// A little less than the minute between two reports of a host.
constexpr std::chrono::seconds kPatience{55};
constexpr std::chrono::minutes kMostPatience{64};
constexpr std::size_t kMostPerCommit = 100;

struct Pending {
  bool build = false;
  model::ActionRequest action;
  bool under_way = false;  // the host said that it has begun
};

// What its host was told and has not answered.
template <class Instance>
std::optional<Pending> PendingOf(const Instance& r) {
  const auto reboot = [&](RebootType type, bool under_way) {
    return Pending{.action = {.kind = ActionKind::kReboot, .reboot_type = type},
                   .under_way = under_way};
  };
  switch (r.task_state) {
    case TaskState::kDeleting:
      return Pending{.action = {.kind = ActionKind::kTerminate}};
    case TaskState::kPoweringOn:
      return Pending{.action = {.kind = ActionKind::kStart}};
    case TaskState::kPoweringOff:
      return Pending{.action = {.kind = ActionKind::kStop}};
    case TaskState::kRebooting:
      return reboot(RebootType::kSoft, false);
    case TaskState::kRebootPending:
    case TaskState::kRebootStarted:
      return reboot(RebootType::kSoft, true);
    case TaskState::kRebootingHard:
      return reboot(RebootType::kHard, false);
    case TaskState::kRebootPendingHard:
    case TaskState::kRebootStartedHard:
      return reboot(RebootType::kHard, true);
    default:
      if (r.vm_state == model::VmState::kBuilding) return Pending{.build = true};
      return std::nullopt;
  }
}

// Of actions a host's list says nothing.
template <class Instance>
bool Knows(const model::HostInstance& there, const Instance& r) {
  if (there.generation != r.generation) return there.generation > r.generation;
  return there.building || r.started_generation == r.generation;
}

}  // namespace

void Conductor::Impl::SendLostAgain(const std::string& host,
                                    const std::vector<model::HostInstance>& instances,
                                    ListOf list) {
  absl::flat_hash_map<UuidKey, const model::HostInstance*> there;
  for (const model::HostInstance& instance : instances) there[KeyOf(instance.uuid)] = &instance;
  const auto lost = [&](const auto& r) -> std::optional<Pending> {
    auto pending = PendingOf(r);
    if (!pending || !outbox_.Of(r.uuid()).empty()) return std::nullopt;
    const auto found = there.find(KeyOf(r.uuid()));
    if (pending->build && found != there.end() && Knows(*found->second, r)) return std::nullopt;
    return pending;
  };
  std::vector<Uuid> due;
  {
    absl::MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    for (const LiveInstance& record : live_.OnHost(host)) {
      const auto pending = lost(record);
      if (!pending && suspects_.empty()) continue;
      const Uuid uuid = record.uuid();
      const auto suspect = suspects_.find(uuid);
      if (!pending) {
        if (suspect != suspects_.end()) suspects_.erase(suspect);
        continue;
      }
      const bool reboot = !pending->build && pending->action.kind == ActionKind::kReboot;
      // A second reboot is one too many, so even a new journal is first given time: the message may
      // still be in the queue. With its old journal a host ends by itself what it has begun.
      if (list == ListOf::kNewJournal && !reboot) {
        due.push_back(uuid);
        suspects_[uuid] = {now + kPatience, kPatience};
      } else if (list == ListOf::kReport && suspect != suspects_.end()) {
        Suspect& mine = suspect->second;
        if (now < mine.due) continue;
        due.push_back(uuid);
        mine.pause = std::min<std::chrono::seconds>(mine.pause * 2, kMostPatience);
        mine.due = now + mine.pause;
      } else if (list == ListOf::kNewJournal || !pending->under_way) {
        // Reports that wait at the host come after its Hello and may settle this.
        suspects_[uuid] = {now + kPatience, kPatience};
      }
    }
  }
  for (std::size_t at = 0; at < due.size(); at += kMostPerCommit) {
    const auto first = due.begin() + static_cast<std::ptrdiff_t>(at);
    const auto size = std::min(kMostPerCommit, due.size() - at);
    const std::set<Uuid> uuids(first, first + static_cast<std::ptrdiff_t>(size));
    const InstanceLocks mine(*this, uuids);
    Change change;
    for (const Uuid& uuid : uuids) {
      const auto current = Live(uuid);
      if (!current.ok() || (*current)->host != host) continue;
      const auto pending = lost(**current);
      if (!pending) continue;
      const Status added = AddAgain(change, **current, pending->build, pending->action);
      if (added.ok()) {
        LogWarn("the host does not know of what it was told, telling it again",
                {F("host", host), F("instance", uuid), F("generation", (*current)->generation),
                 F("task_state", model::Name((*current)->task_state))});
      } else {
        LogError("cannot tell the host again", {F("instance", uuid), F("error", added)});
      }
    }
    if (change.ops.empty()) continue;
    if (const Status done = Commit(std::move(change)); !done.ok()) {
      LogWarn("lost messages not written again", {F("host", host), F("error", done)});
    }
  }
}

Status Conductor::Impl::AddAgain(Change& change, const InstanceRecord& record, bool build,
                                 const model::ActionRequest& action) {
  if (!build) return AddAction(change, record, action);
  ASSIGN_OR_RETURN(const std::string password, store_.AdminPassword(record.uuid()));
  return AddBuild(change, record, password);
}

}  // namespace kilonova::scheduler::core
