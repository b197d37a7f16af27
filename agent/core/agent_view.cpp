// SPDX-License-Identifier: Apache-2.0
// The agent's other sides: housekeeping, and what the scheduler's session asks.
#include <absl/time/time.h>

#include <algorithm>

#include "agent/core/agent.h"
#include "agent/core/console.h"
#include "agent/core/host_topology.h"
#include "agent/core/inventory.h"
#include "agent/core/serial_ports.h"
#include "common/base/log.h"
#include "common/hardware/reported.h"

namespace kilonova::agent::core {

void Agent::HouseKeeping() {
  const auto not_before = [](SteadyTime time, SteadyTime now) {
    return std::max(time - now, SteadyTime::duration::zero());
  };
  SteadyTime next_reconcile = ports_.clock.Steady();
  SteadyTime next_sweep = ports_.clock.Steady() + SweepInterval();
  std::optional<SteadyTime> next_undo;
  while (true) {
    std::map<Uuid, bool> events;
    bool reconcile = false;
    bool undo = false;
    {
      absl::MutexLock lock(&mutex_);
      housekeeping_busy_ = false;
      const auto something = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || reconcile_wanted_ || undo_wanted_ || !events_.empty();
      };
      SteadyTime next = std::min(next_reconcile, next_sweep);
      if (next_undo) next = std::min(next, *next_undo);
      mutex_.AwaitWithTimeout(absl::Condition(&something),
                              absl::FromChrono(not_before(next, ports_.clock.Steady())));
      if (stopping_) return;
      events.swap(events_);
      reconcile = reconcile_wanted_ || ports_.clock.Steady() >= next_reconcile;
      reconcile_wanted_ = false;
      undo = std::exchange(undo_wanted_, false);
      housekeeping_busy_ = true;
    }
    for (const auto& [uuid, crashed] : events) PushObserve(uuid, crashed);
    if (reconcile) {
      Reconcile();
      SettleOld();
      next_reconcile = ports_.clock.Steady() + settings_.reconcile_every;
    }
    if (reconcile || undo || (next_undo && ports_.clock.Steady() >= *next_undo)) {
      next_undo = reconciler_.RetryUndos();
    }
    if (ports_.clock.Steady() >= next_sweep) {
      if (settings_.image_cache_manager_interval.count() >= 0) ports_.images.RemoveUnused();
      next_sweep = ports_.clock.Steady() + SweepInterval();
    }
  }
}

std::chrono::milliseconds Agent::SweepInterval() const {
  const auto wanted = settings_.image_cache_manager_interval;
  return wanted.count() > 0 ? wanted : std::chrono::milliseconds(std::chrono::minutes(1));
}

void Agent::SettleOld() {
  std::vector<std::int64_t> old;
  {
    const absl::MutexLock lock(&mutex_);
    const SteadyTime limit = ports_.clock.Steady() - settings_.settled_after;
    std::erase_if(at_work_, [&](const auto& entry) {
      if (entry.second > limit) return false;
      old.push_back(entry.first);
      return true;
    });
  }
  for (const std::int64_t id : old) {
    if (ports_.journal.Settle(id).ok()) counters_.Add("entries_settled");
  }
}

void Agent::Reconcile() {
  const auto facts = facts_.Refresh();
  const Status status = facts.ok() ? reconciler_.Run() : facts.status();
  if (!status.ok()) LogWarn("reconciliation put off", {F("why", status)});
  const Status pruned = ports_.journal.Prune(ports_.clock.Now() - settings_.forget_after);
  if (!pruned.ok()) LogError("the journal cannot be pruned", {F("why", pruned)});
  ports_.control_plane.HostChanged();
}

Expected<model::HostReport> Agent::Report() {
  const auto facts = facts_.Remembered();
  const bool connected = ports_.hypervisor.Connected();
  if (!facts) {
    ASSIGN_OR_RETURN(const HostFacts fresh, facts_.Refresh());
    static_cast<void>(fresh);
    return Report();
  }
  const MachineUsage usage = ReadMachineUsage(settings_.paths);
  model::HostReport report = MakeHostReport(settings_, *facts, usage);
  if (settings_.file_backed_memory_mb > 0) {
    // As in Nova: the machine's own memory is only a cache of theirs.
    const model::Resources used = claims_.Used();
    const auto memory = used.find(std::string(model::kMemoryMb));
    report.free_memory_mb =
        settings_.file_backed_memory_mb - (memory == used.end() ? 0 : memory->second);
  }
  const auto topology = HostTopology(settings_, *facts);
  if (topology.ok() && *topology) {
    report.numa_cells = hardware::ToReport(claims_.WithUsage(**topology));
  }
  report.pci_pools = PoolsOf(claims_.FreeDevices(facts->pci_devices));
  ASSIGN_OR_RETURN(const auto records, ports_.journal.Instances());
  report.running_instances = std::ranges::count_if(records, [](const InstanceRecord& record) {
    return record.power_state == model::PowerState::kRunning;
  });
  const auto degraded = [&report](Reason why) { report.degraded.emplace_back(why.name); };
  if (!topology.ok()) {
    report.degraded.push_back(ReasonOf(topology.status()) + ": " + Message(topology.status()));
  }
  if (!connected) degraded(reason::kHypervisorUnavailable);
  const Journal::Health health = ports_.journal.CheckHealth();
  if (!health.writable) degraded(reason::kJournalFailed);
  if (!health.reserve_whole || (usage.disk_total_gb > 0 && usage.disk_free_gb < 1)) {
    degraded(reason::kHostDiskFull);
  }
  const absl::MutexLock lock(&mutex_);
  if (!receiving_) report.degraded.push_back("QUEUE_DEAF: " + not_receiving_why_);
  return report;
}

// What the instance was given is in the message it was built from, which is read once.
Agent::Addresses Agent::AddressesOf(const InstanceRecord& listed) {
  {
    const absl::MutexLock lock(&mutex_);
    const auto known = addresses_.find(listed.uuid);
    if (known != addresses_.end() && known->second.generation == listed.generation) {
      return known->second.addresses;
    }
  }
  Addresses addresses;
  const auto record = ports_.journal.Instance(listed.uuid);
  if (!record.ok() || !*record || (*record)->build_body.empty()) return addresses;
  const auto request = ports_.decoder.Decode((*record)->build_body);
  const auto* build = request.ok() ? std::get_if<model::BuildRequest>(&request->body) : nullptr;
  if (build == nullptr) return addresses;
  for (const model::NicRequest& nic : build->nics) {
    if (nic.dhcp) continue;
    for (const model::FixedIp& ip : nic.fixed_ips) {
      addresses.emplace_back(nic.network_id, ip.address);
    }
  }
  const absl::MutexLock lock(&mutex_);
  addresses_[listed.uuid] = {listed.generation, addresses};
  return addresses;
}

Expected<std::vector<model::HostInstance>> Agent::Instances() {
  ASSIGN_OR_RETURN(const auto records, ports_.journal.Instances());
  std::map<Uuid, Addresses> addresses;
  for (const InstanceRecord& record : records) addresses[record.uuid] = AddressesOf(record);
  std::vector<model::HostInstance> instances;
  const absl::MutexLock lock(&mutex_);
  std::erase_if(addresses_, [&](const auto& known) { return !addresses.contains(known.first); });
  auto building = building_;
  for (const InstanceRecord& record : records) {
    const auto it = building.find(record.uuid);
    const bool in_work = it != building.end();
    const std::int64_t generation =
        in_work ? std::max(it->second, record.generation) : record.generation;
    if (in_work) building.erase(it);
    instances.push_back({record.uuid, generation, record.power_state,
                         in_work || record.vm_state == model::VmState::kBuilding,
                         record.instance_id, std::move(addresses[record.uuid])});
  }
  for (const auto& [uuid, generation] : building) {
    instances.push_back({uuid, generation, model::PowerState::kNoState, true, 0, {}});
  }
  return instances;
}

std::map<std::string, std::int64_t> Agent::Counters() const { return counters_.Snapshot(); }

Expected<ConsoleTail> Agent::Console(const Uuid& instance, std::size_t max_bytes) {
  ASSIGN_OR_RETURN(const auto record, ports_.journal.Instance(instance));
  if (!record) {
    return Error(Code::kNotFound, reason::kInstanceNotFound, "the instance is not on this host");
  }
  ASSIGN_OR_RETURN(ConsoleTail tail, ReadConsoleTail(settings_.paths.Console(instance), max_bytes));
  tail.serial_consoles = SerialConsoles(settings_.serial_console, record->serial_ports);
  return tail;
}

void Agent::WaitIdle() {
  const auto quiet = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !housekeeping_busy_ && !reconcile_wanted_ && events_.empty();
  };
  // What the queue did may have caused events, and those more jobs.
  for (int i = 0; i < 3; ++i) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&quiet));
    }
    queue_.WaitIdle();
  }
}

}  // namespace kilonova::agent::core
