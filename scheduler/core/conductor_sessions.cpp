// SPDX-License-Identifier: Apache-2.0
// Sessions of hosts: their leases, and what follows from what a host says that it has.
#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/log.h"
#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

// Besides its kind, what is worth a write; the rest changes every minute and is known anew with the
// next session.
bool SameHardware(const model::HostReport& a, const model::HostReport& b) {
  const auto parts = [](const model::HostReport& r) {
    return std::tie(r.hypervisor_hostname, r.hypervisor_type, r.hypervisor_version,
                    r.libvirt_version, r.virt_type, r.cpu_arch, r.cpu_model, r.cpu_vendor,
                    r.inventories, r.availability_zone, r.degraded, r.stats, r.pci_pools, r.nested);
  };
  return parts(a) == parts(b);
}

// What is counted here stays among the stats of a host that says them anew.
void KeepCounted(const model::HostReport& before, model::HostReport& now) {
  const auto counted = before.stats.find("failed_builds");
  now.stats.erase("failed_builds");
  if (counted != before.stats.end()) now.stats.insert(*counted);
}

// A host that has begun a build knows the instance's number; of one that waits in its queue it
// knows no more than that it is to be built.
std::vector<Uuid> MeasuredOf(const std::vector<model::HostInstance>& instances) {
  std::vector<Uuid> measured;
  for (const model::HostInstance& instance : instances) {
    if (!instance.building || instance.id != 0) measured.push_back(instance.uuid);
  }
  return measured;
}

Status SessionOver() {
  return Error(Code::kFailedPrecondition, reason::kHostDown,
               "this session is over: its lease ran out or a newer one took its place");
}

}  // namespace

Expected<std::string> Conductor::Impl::RenewLease(const Uuid& session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return SessionOver();
  Host& host = hosts_.at(found->second);
  const SteadyTime now = clock_.Steady();
  if (host.session.lease_until < now) {
    TakeDown(host, "lease ran out");
    return SessionOver();
  }
  host.session.lease_until = now + options_.lease;
  host.row.last_seen = clock_.Now();
  return host.row.name;
}

void Conductor::Impl::TakeDown(Host& host, std::string_view why) {
  if (!host.up()) return;
  sessions_.erase(host.session.id);
  host.session.id = {};
  LogWarn("host is down", {F("host", host.row.name), F("why", why)});
  if (Status down = engine_.SetHostUp(host.row.name, false); !down.ok()) {
    LogError("engine does not know the host", {F("host", host.row.name), F("error", down)});
  }
}

Expected<std::vector<StaleInstance>> Conductor::Impl::StaleOf(
    const std::string& host, const std::vector<model::HostInstance>& instances,
    bool journal_known) {
  std::vector<StaleInstance> stale;
  for (const model::HostInstance& instance : instances) {
    if (instance.generation <= 0) continue;  // no tag of ours: not ours to judge
    {
      absl::MutexLock lock(&mutex_);
      if (const LiveInstance* live = live_.Find(instance.uuid)) {
        // A later generation than we know of means our records are old: nothing is removed on that.
        const bool over =
            instance.generation < live->generation ||
            (instance.generation == live->generation && live_.Text(live->host) != host);
        if (over) stale.push_back({instance.uuid, instance.generation});
        continue;
      }
    }
    const auto deleted = store_.DeletedInstance(instance.uuid);
    if (!deleted.ok() && !HasReason(deleted.status(), reason::kInstanceNotFound)) {
      return deleted.status();
    }
    // A database that does not know a guest may be a new or an old one, at the first Hello as at
    // any later one: guests must not die of it. What is still being built is nobody's yet.
    if (deleted.ok() || (journal_known && instance.building)) {
      stale.push_back({instance.uuid, instance.generation});
    } else {
      LogError("host has an instance nobody knows; left alone",
               {F("host", host), F("instance", instance.uuid)});
    }
  }
  return stale;
}

Expected<HostWelcome> Conductor::Impl::HostUp(const HostHello& hello) {
  const std::string& name = hello.report.host;
  if (!IsValidHostName(name)) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, "host name is not valid",
                 {{"field", "host"}});
  }
  if (!Uuid::Parse(hello.journal_id).ok()) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, "journal_id is not a uuid",
                 {{"field", "journal_id"}});
  }
  HostRow row;
  bool journal_known = false;
  {
    absl::MutexLock lock(&mutex_);
    if (const auto known = hosts_.find(name); known != hosts_.end()) row = known->second.row;
  }
  journal_known = row.journal_id == hello.journal_id;
  if (!journal_known) row.last_seq = 0;
  row.name = name;
  row.agent_version = hello.agent_version;
  row.journal_id = hello.journal_id;
  row.report = hello.report;
  row.last_seen = clock_.Now();

  HostWelcome welcome;
  welcome.session = Uuid::Random();
  welcome.lease = options_.lease;
  ASSIGN_OR_RETURN(welcome.stale, StaleOf(name, hello.instances, journal_known));
  {
    // The engine judges the inventory before anything is written of it.
    absl::MutexLock lock(&mutex_);
    Host candidate;
    const auto known = hosts_.find(name);
    if (known != hosts_.end()) KeepCounted(known->second.row.report, row.report);
    SetRow(candidate, row);
    candidate.measured = MeasuredOf(hello.instances);
    if (known != hosts_.end()) {
      candidate.session = known->second.session;
      candidate.row.enabled = known->second.row.enabled;
      candidate.row.disabled_reason = known->second.row.disabled_reason;
    }
    RETURN_IF_ERROR(TellEngine(candidate));
  }
  // Before the journal counts as known: a crash between the two asks again.
  SendLostAgain(name, hello.instances, journal_known ? ListOf::kKnownJournal : ListOf::kNewJournal);
  Change change;
  change.ops.emplace_back(PutHost{row});
  ReserveUnknown(change, name, hello.instances);
  Status up;
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Host& host = hosts_[name];
    row.enabled = host.row.name.empty() || host.row.enabled;
    row.disabled_reason = host.row.disabled_reason;
    // What was applied while this was being written stays applied.
    if (host.row.journal_id == row.journal_id) {
      row.last_seq = std::max(row.last_seq, host.row.last_seq);
    }
    if (!host.row.name.empty()) KeepCounted(host.row.report, row.report);
    SetRow(host, row);
    host.measured = MeasuredOf(hello.instances);
    if (host.up()) sessions_.erase(host.session.id);
    host.session = {welcome.session, clock_.Steady() + options_.lease, {}};
    sessions_[welcome.session] = name;
    welcome.last_seq = row.last_seq;
    up = TellEngine(host);
    Arrived(name);
  });
  RETURN_IF_ERROR(Commit(std::move(change)));
  RETURN_IF_ERROR(up);
  LogInfo("host is up", {F("host", name), F("session", welcome.session),
                         F("instances", hello.instances.size()), F("stale", welcome.stale.size())});
  outbox_.HostIsBack(name);
  SyncPowerStates(name, hello.instances);
  return welcome;
}

// As Nova: an instance its host does not have keeps its vm_state, its power_state is NOSTATE; once
// it is there again it has what the host says. Anything more is told by reports, which have an
// order; this list has none.
void Conductor::Impl::SyncPowerStates(const std::string& host,
                                      const std::vector<model::HostInstance>& instances) {
  absl::flat_hash_map<UuidKey, const model::HostInstance*> there;
  for (const model::HostInstance& instance : instances) there[KeyOf(instance.uuid)] = &instance;
  const auto wanted = [&](const UuidKey& key,
                          const auto& record) -> std::optional<model::PowerState> {
    if (record.task_state != model::TaskState::kNone ||
        record.vm_state == model::VmState::kBuilding) {
      return std::nullopt;
    }
    const auto found = there.find(key);
    const bool here = found != there.end() && found->second->generation == record.generation;
    if (!here) {
      if (record.power_state == model::PowerState::kNoState) return std::nullopt;
      return model::PowerState::kNoState;
    }
    if (record.power_state != model::PowerState::kNoState ||
        found->second->power_state == model::PowerState::kNoState) {
      return std::nullopt;
    }
    return found->second->power_state;
  };
  std::vector<LiveInstance> here;
  {
    absl::MutexLock lock(&mutex_);
    here = live_.OnHost(host);
  }
  for (const LiveInstance& candidate : here) {
    if (!wanted(candidate.key, candidate)) continue;
    const Uuid uuid = candidate.uuid();
    const InstanceLocks mine(*this, {uuid});
    const auto current = Live(uuid);
    if (!current.ok() || (*current)->host != host) continue;
    const auto power = wanted(candidate.key, **current);
    if (!power) continue;
    if (*power == model::PowerState::kNoState) {
      LogWarn("host does not have the instance", {F("host", host), F("instance", uuid)});
    }
    auto record = std::make_shared<InstanceRecord>(**current);
    record->power_state = *power;
    record->updated_at = clock_.Now();
    Change change;
    change.Put(record);
    if (const Status done = Commit(std::move(change)); !done.ok()) {
      LogWarn("power state not written", {F("instance", record->uuid()), F("error", done)});
    }
  }
}

Status Conductor::Impl::HostReported(const Uuid& session, const HostUpdate& update) {
  std::string name;
  HostRow row;
  bool write = false;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(name, RenewLease(session));
    Host& host = hosts_.at(name);
    if (update.report.host != name) {
      return Error(Code::kInvalidArgument, reason::kHostIdentityMismatch,
                   "the report is of another host than the session", {{"field", "host"}});
    }
    Host candidate = host;
    candidate.row.report = update.report;
    KeepCounted(host.row.report, candidate.row.report);
    candidate.kind = Shared(HostKinds::Taken(candidate.row.report));
    candidate.measured = MeasuredOf(update.instances);
    candidate.session.counters = update.counters;
    RETURN_IF_ERROR(TellEngine(candidate));
    write = host.kind != candidate.kind || !SameHardware(host.row.report, candidate.row.report);
    host = std::move(candidate);
    if (write) row = WholeRow(host);
  }
  if (write) {
    Change change;
    change.ops.emplace_back(PutHost{row});
    RETURN_IF_ERROR(Commit(std::move(change)));
  }
  RETURN_IF_ERROR(WriteReserved(name, update.instances));
  SyncPowerStates(name, update.instances);
  SendLostAgain(name, update.instances, ListOf::kReport);
  return OkStatus();
}

Status Conductor::Impl::HostHeartbeat(const Uuid& session,
                                      const std::map<std::string, std::int64_t>& counters) {
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(const std::string name, RenewLease(session));
  if (!counters.empty()) hosts_.at(name).session.counters = counters;
  return OkStatus();
}

void Conductor::Impl::SessionEnded(const Uuid& session) {
  absl::MutexLock lock(&mutex_);
  const auto found = sessions_.find(session);
  if (found != sessions_.end()) TakeDown(hosts_.at(found->second), "session ended");
}

}  // namespace kilonova::scheduler::core
