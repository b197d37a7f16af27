// SPDX-License-Identifier: Apache-2.0
#include "agent/core/reconciler.h"

#include <charconv>
#include <filesystem>
#include <unordered_map>

#include "agent/core/mdevs.h"
#include "agent/core/observe.h"
#include "common/base/log.h"

namespace kilonova::agent::core {
namespace fs = std::filesystem;
using model::PowerState;
using model::VmState;

Status Reconciler::Run() {
  // An operation whose end could not be written waits for the restart, its guest as it is.
  if (!services_.ports.journal.CheckHealth().writable) {
    return Error(Code::kUnavailable, reason::kJournalFailed,
                 "the host's journal cannot be written");
  }
  // The record of an instance is written before its domain or directory is made and removed after
  // them; so records are read last, and nothing made meanwhile looks like nobody's.
  ASSIGN_OR_RETURN(const auto domains, services_.ports.hypervisor.List());
  ASSIGN_OR_RETURN(const auto records, services_.ports.journal.Instances());
  CheckRecords(records, domains);
  RecreateMdevs(services_, records);
  std::set<Uuid> known;
  for (const InstanceRecord& record : records) known.insert(record.uuid);
  for (const DomainInfo& domain : domains) {
    if (known.insert(domain.uuid).second && !orders_.busy(domain.uuid)) Adopt(domain);
  }
  CheckDirectories(known);
  EmptyQuarantine();
  return OkStatus();
}

void Reconciler::CheckRecords(const std::vector<InstanceRecord>& records,
                              const std::vector<DomainInfo>& domains) {
  std::unordered_map<Uuid, PowerState> power;
  for (const DomainInfo& domain : domains) power.emplace(domain.uuid, domain.power);
  for (const InstanceRecord& record : records) {
    if (orders_.busy(record.uuid)) continue;
    if (record.vm_state == VmState::kBuilding) {
      orders_.abandon(record);
      continue;
    }
    if (record.undo_pending) continue;  // RetryUndos
    const auto it = power.find(record.uuid);
    const PowerState seen = it == power.end() ? PowerState::kNoState : it->second;
    if (seen != record.power_state || VmStateSeen(record.vm_state, seen) != record.vm_state) {
      orders_.observe(record.uuid, false);
    }
    RepeatIfNotStopped(record, seen);
  }
}

void Reconciler::RepeatIfNotStopped(const InstanceRecord& record, PowerState seen) {
  if (!MustBeStopped(record.vm_state, seen)) {
    told_to_stop_.erase(record.uuid);
    return;
  }
  const SteadyTime now = services_.ports.clock.Steady();
  const auto [it, first] = told_to_stop_.try_emplace(record.uuid, now);
  const auto every = services_.settings.sync_power_state_interval;
  if (first || every.count() < 0 || now - it->second < every) return;
  it->second = now;
  orders_.observe(record.uuid, true);
}

std::optional<SteadyTime> Reconciler::RetryUndos() {
  const auto records = services_.ports.journal.Instances();
  if (!records.ok()) return std::nullopt;
  const SteadyTime now = services_.ports.clock.Steady();
  std::vector<Uuid> pending;
  for (const InstanceRecord& record : *records) {
    if (!record.undo_pending) continue;
    pending.push_back(record.uuid);
    if (undo_retries_.Due(record.uuid, now) && !orders_.busy(record.uuid)) orders_.undo(record);
  }
  undo_retries_.KeepOnly(pending);
  return undo_retries_.Next();
}

void Reconciler::Adopt(const DomainInfo& domain) {
  // Its record may have come or gone since the list was made.
  const auto now = services_.ports.journal.Instance(domain.uuid);
  if (!now.ok() || *now) return;
  const auto still = services_.ports.hypervisor.State(domain.uuid);
  if (!still.ok()) return;
  InstanceRecord record;
  record.uuid = domain.uuid;
  record.generation = still->owner.generation;
  record.claim_id = still->owner.claim_id;
  record.power_state = still->power;
  record.vm_state = still->power == PowerState::kRunning || still->power == PowerState::kPaused
                        ? VmState::kActive
                        : VmState::kStopped;
  record.launched = true;
  const auto held = services_.ports.hypervisor.DevicesOf(domain.uuid);
  if (!held.ok()) return;  // the next time
  record.pci_devices = held->pci;
  const auto mdevs = MdevsOfDomain(services_, domain.uuid);
  if (!mdevs.ok()) return;
  record.mdevs = *mdevs;
  Journal::Completion adoption;
  adoption.upsert = record;
  const Status status = services_.ports.journal.Complete(adoption);
  HostShare share;
  share.pci_devices = record.pci_devices;
  share.mdevs = record.mdevs;
  if (status.ok()) services_.claims.Set(record.uuid, std::move(share));
  services_.counters.Add("guests.adopted");
  LogWarn("adopted a guest the journal does not know",
          {F("instance", record.uuid), F("generation", record.generation),
           F("power", model::Name(record.power_state)), F("journal", status)});
}

void Reconciler::CheckDirectories(const std::set<Uuid>& known) {
  std::error_code error;
  for (fs::directory_iterator it(services_.settings.paths.Instances(), error), end;
       !error && it != end; it.increment(error)) {
    const auto uuid = Uuid::Parse(it->path().filename().string());
    if (!uuid.ok() || known.contains(*uuid) || orders_.busy(*uuid)) continue;
    const auto record = services_.ports.journal.Instance(*uuid);
    if (!record.ok() || *record) continue;
    // Any answer but a clear no leaves it alone.
    const auto domain = services_.ports.hypervisor.State(*uuid);
    if (!HasReason(domain.status(), reason::kDomainNotFound) || orders_.busy(*uuid)) continue;
    Quarantine(*uuid);
  }
}

void Reconciler::Quarantine(const Uuid& uuid) {
  const Paths& paths = services_.settings.paths;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      services_.ports.clock.Now().time_since_epoch());
  std::error_code error;
  fs::rename(paths.Instance(uuid),
             paths.Quarantine() / (uuid.str() + "." + std::to_string(now.count())), error);
  services_.counters.Add("directories.quarantined");
  LogWarn("quarantined an instance directory nobody knows",
          {F("instance", uuid), F("error", error ? error.message() : "none")});
}

void Reconciler::EmptyQuarantine() {
  const auto oldest = std::chrono::duration_cast<std::chrono::seconds>(
      (services_.ports.clock.Now() - services_.settings.forget_after).time_since_epoch());
  std::error_code error;
  for (fs::directory_iterator it(services_.settings.paths.Quarantine(), error), end;
       !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const std::string since = name.substr(name.find('.') + 1);
    std::int64_t seconds = 0;
    const auto parsed = std::from_chars(since.data(), since.data() + since.size(), seconds);
    if (parsed.ec != std::errc() || seconds > oldest.count()) continue;
    std::error_code ignored;
    fs::remove_all(it->path(), ignored);
    LogInfo("removed a quarantined directory", {F("name", name)});
  }
}

}  // namespace kilonova::agent::core
