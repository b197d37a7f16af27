// SPDX-License-Identifier: Apache-2.0
// Loading, committing, the indexes and the locks.
#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "scheduler/core/awaited.h"
#include "scheduler/core/conductor_impl.h"

namespace kilonova::scheduler::core {

Conductor::Impl::Impl(Store& store, Engine& engine, const MessageEncoder& encoder,
                      const Clock& clock, const ConductorOptions& options)
    : store_(store),
      engine_(engine),
      encoder_(encoder),
      clock_(clock),
      options_(options),
      outbox_(store, clock),
      hub_(store, clock, options.watch_ring, [this](std::int64_t after, const WatchFilter& wanted) {
        return LiveAfter(after, wanted);
      }) {
  outbox_.OnReturned([this](const OutboxRow& row) { return HandleReturned(row); });
}

model::InstanceStates StatesOf(const InstanceRecord& record) {
  return {record.vm_state, record.task_state, record.power_state, record.launched_at.has_value()};
}

bool Step(InstanceRecord& record, model::InstanceEvent event) {
  const auto after = model::Apply(StatesOf(record), event);
  if (!after.ok()) {
    LogInfo("report does not apply", {F("instance", record.uuid()), F("event", model::Name(event)),
                                      F("vm_state", model::Name(record.vm_state)),
                                      F("task_state", model::Name(record.task_state))});
    return false;
  }
  record.vm_state = after->vm;
  record.task_state = after->task;
  record.power_state = after->power;
  return true;
}

Status Conductor::Impl::Commit(Change change) {
  Awaited<Status> result;
  store_.Submit(std::move(change.ops), [&](Expected<CommitInfo> info) {
    if (info.ok()) Committed(change, *info);
    result.Set(std::move(info).status());
  });
  Status status = result.Get();
  if (!status.ok()) Undo(change);
  return status;
}

void Conductor::Impl::Undo(Change& change) {
  for (auto undo = change.on_failure.rbegin(); undo != change.on_failure.rend(); ++undo) (*undo)();
}

void Conductor::Impl::Committed(Change& change, const CommitInfo& info) {
  absl::MutexLock lock(&mutex_);
  for (std::size_t i = 0; i < change.records.size(); ++i) {
    change.records[i]->revision = info.revisions[i];
    const InstancePtr record = change.records[i];
    Index(record);
    if (record->deleted()) ReleasePorts(*record);
    hub_.Publish(record);
  }
  for (const auto& act : change.on_commit) act();
}

void Conductor::Impl::Index(const InstancePtr& record) {
  const UuidKey key = KeyOf(record->uuid());
  if (!suspects_.empty()) suspects_.erase(record->uuid());
  const auto group = groups_.find(record->server_group);
  if (record->deleted()) {
    live_.Erase(key);
    recent_.Erase(key);
    if (group != groups_.end()) group->second.members.erase(record->uuid());
    return;
  }
  live_.Put(*record);
  recent_.Put(key, record);
  if (group != groups_.end()) group->second.members[record->uuid()] = record->host;
}

Conductor::Impl::InstanceLocks::InstanceLocks(Impl& impl, std::set<Uuid> uuids)
    : impl_(impl), uuids_(std::move(uuids)) {
  absl::MutexLock lock(&impl_.mutex_);
  const auto free = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return std::ranges::none_of(uuids_, [this](const Uuid& u) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return impl_.busy_.contains(u);
    });
  };
  impl_.mutex_.Await(absl::Condition(&free));
  impl_.busy_.insert(uuids_.begin(), uuids_.end());
}

Conductor::Impl::InstanceLocks::~InstanceLocks() {
  absl::MutexLock lock(&impl_.mutex_);
  for (const Uuid& uuid : uuids_) impl_.busy_.erase(uuid);
}

}  // namespace kilonova::scheduler::core
