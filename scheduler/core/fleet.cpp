// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fleet.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <charconv>

#include "common/base/python_text.h"

namespace kilonova::scheduler::core {
namespace {

// Lengths before texts, so that no two different lists have one key.
void AppendKey(std::string& key, std::string_view text) {
  key += std::to_string(text.size());
  key += ':';
  key += text;
}

std::string KeyOfWords(const Words& words) {
  std::string key;
  for (const auto& word : words) AppendKey(key, word);
  return key;
}

std::string KeyOfMap(const std::map<std::string, std::string>& map) {
  std::string key;
  for (const auto& [name, value] : map) {
    AppendKey(key, name);
    AppendKey(key, value);
  }
  return key;
}

std::string KeyOfAggregates(const std::vector<Aggregate>& aggregates) {
  std::string key;
  for (const auto& aggregate : aggregates) {
    AppendKey(key, std::to_string(aggregate.id));
    AppendKey(key, aggregate.name);
    AppendKey(key, KeyOfMap(aggregate.metadata));
    AppendKey(key, aggregate.uuid);
  }
  return key;
}

std::string KeyOfLists(const std::vector<Words>& lists) {
  std::string key;
  for (const auto& words : lists) AppendKey(key, KeyOfWords(words));
  return key;
}

// Aggregates that name a zone decide; else what the host was configured with.
Words ZonesOf(const HostState& state) {
  Words zones;
  bool named = false;
  for (const auto& aggregate : state.aggregates) {
    const auto found = aggregate.metadata.find("availability_zone");
    if (found == aggregate.metadata.end()) continue;
    named = true;
    for (const auto piece : PySplitComma(found->second)) zones.emplace_back(PyStrip(piece));
  }
  if (!named && !state.availability_zone.empty()) zones.push_back(state.availability_zone);
  std::ranges::sort(zones);
  zones.erase(std::unique(zones.begin(), zones.end()), zones.end());
  return zones;
}

// A count among the stats; 0 when absent or no number.
std::int64_t StatCount(const HostState& state, const std::string& name) {
  const auto found = state.stats.find(name);
  std::int64_t value = 0;
  if (found == state.stats.end()) return value;
  const auto text = PyStrip(found->second);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

model::Inventory InventoryOf(const model::Inventories& inventories, std::string_view name) {
  const auto found = inventories.find(name);
  return found == inventories.end() ? model::Inventory{} : found->second;
}

}  // namespace

Fleet::Fleet() { AddClass(""); }

HostIndex Fleet::NewSlot() {
  if (!vacant_.empty()) {
    const HostIndex slot = vacant_.back();
    vacant_.pop_back();
    return slot;
  }
  const auto slot = static_cast<HostIndex>(records_.size());
  const std::size_t size = records_.size() + 1;
  records_.resize(size);
  flags.resize(size);
  numbers_.resize(size);
  for (auto* column : {&cell, &aggregates, &zones, &supported}) column->resize(size);
  for (auto& column : classes_) {
    column->Resize(size);
  }
  return slot;
}

Expected<HostIndex> Fleet::Upsert(const HostState& state) {
  for (const auto& entry : state.inventories) {
    ASSIGN_OR_RETURN(const std::uint32_t id, ClassId(entry.first));
    static_cast<void>(id);
  }
  const auto known = Find(state.host);
  const HostIndex host = known ? *known : NewSlot();
  if (known) {
    Unindex(host);
    DropShared(host);
  } else {
    records_[host] = std::make_unique<HostRecord>();
    records_[host]->host = state.host;
    by_name_.emplace(records_[host]->host, host);
    flags[host] =
        static_cast<std::uint8_t>(kPresent | (state.up ? kUp : 0) | (state.enabled ? kEnabled : 0));
    records_[host]->disabled_reason = state.disabled_reason;
  }
  HostRecord& record = *records_[host];
  record.node = state.node.empty() ? state.host : state.node;
  Index(host);
  record.uuid = state.uuid;
  record.host_ip = state.host_ip;
  record.hypervisor_version = state.hypervisor_version;
  record.disk_available_least = state.disk_available_least;
  record.metrics = state.metrics;
  record.zone = texts.Acquire(state.availability_zone, state.availability_zone);
  record.hypervisor_type = texts.Acquire(state.hypervisor_type, state.hypervisor_type);
  const KindIds kind = AcquireKind(state);
  record.cpu_info = kind.cpu_info;
  record.traits = kind.traits;
  supported[host] = kind.supported;
  cell[host] = texts.Acquire(state.cell, state.cell);
  record.stats = stat_maps.Acquire(KeyOfMap(state.stats), state.stats);
  aggregates[host] = aggregate_lists.Acquire(KeyOfAggregates(state.aggregates), state.aggregates);
  Words zone_set = ZonesOf(state);
  const std::string zone_key = KeyOfWords(zone_set);
  zones[host] = zone_sets.Acquire(zone_key, std::move(zone_set));
  SetForeign(host, state.instances);
  SetHardware(host, state);
  SetInventories(host, state.inventories);
  trees_.Set(host, state.nested);
  SetNumbers(host, state);
  Touch(host, Change::kWhole);
  return host;
}

Fleet::KindIds Fleet::AcquireKind(const HostKind& kind) {
  return {.cpu_info = texts.Acquire(kind.cpu_info, kind.cpu_info),
          .traits = trait_lists.Acquire(KeyOfWords(kind.traits), kind.traits),
          .supported = supported_lists.Acquire(KeyOfLists(kind.supported_instances),
                                               kind.supported_instances)};
}

Fleet::KindIds Fleet::AcquireKind(const HostState& state) {
  if (!state.kind) return AcquireKind({state.cpu_info, state.traits, state.supported_instances});
  const auto [found, fresh] = kinds_.try_emplace(state.kind.get());
  KnownKind& known = found->second;
  if (fresh || known.kind.lock() != state.kind) {
    const KindIds before = std::exchange(known.ids, AcquireKind(*state.kind));
    if (!fresh) Release(before);
    known.kind = state.kind;
  }
  const KindIds ids = known.ids;
  Hold(ids);
  if (fresh && kinds_.size() > 2 * kinds_kept_) {
    absl::erase_if(kinds_, [this](const auto& entry) {
      if (!entry.second.kind.expired()) return false;
      Release(entry.second.ids);
      return true;
    });
    kinds_kept_ = std::max<std::size_t>(kinds_.size(), 64);
  }
  return ids;
}

void Fleet::Hold(const KindIds& ids) {
  texts.Hold(ids.cpu_info);
  trait_lists.Hold(ids.traits);
  supported_lists.Hold(ids.supported);
}

void Fleet::Release(const KindIds& ids) {
  texts.Release(ids.cpu_info);
  trait_lists.Release(ids.traits);
  supported_lists.Release(ids.supported);
}

void Fleet::Touch(HostIndex host, Change change) {
  last_changes_[change_count_++ % kChangesKept] = host;
  std::uint8_t& changed = numbers_[host].changed;
  if (changed == 0) changed_.push_back(host);
  changed = std::max(changed, static_cast<std::uint8_t>(change));
}

void Fleet::ClearChanged() {
  for (const HostIndex host : changed_) numbers_[host].changed = 0;
  changed_.clear();
}

void Fleet::DropShared(HostIndex host) {
  const HostRecord& record = *records_[host];
  Release({record.cpu_info, record.traits, supported[host]});
  for (const auto id : {record.zone, record.hypervisor_type, cell[host]}) texts.Release(id);
  stat_maps.Release(record.stats);
  aggregate_lists.Release(aggregates[host]);
  zone_sets.Release(zones[host]);
}

void Fleet::Remove(HostIndex host) {
  DropShared(host);
  Unindex(host);
  if (records_[host]->hardware && records_[host]->hardware->RefusesNuma()) --numa_refusers_;
  SetForeign(host, {});
  SetInventories(host, {});
  trees_.Remove(host);
  by_name_.erase(records_[host]->host);
  records_[host].reset();
  flags[host] = 0;
  Touch(host, Change::kWhole);
  vacant_.push_back(host);
}

void Fleet::SetUp(HostIndex host, bool up) {
  flags[host] = static_cast<std::uint8_t>(up ? flags[host] | kUp : flags[host] & ~kUp);
  Touch(host, Change::kWhole);
}

void Fleet::SetEnabled(HostIndex host, bool enabled, std::string_view reason) {
  flags[host] =
      static_cast<std::uint8_t>(enabled ? flags[host] | kEnabled : flags[host] & ~kEnabled);
  Touch(host, Change::kWhole);
  records_[host]->disabled_reason = enabled ? std::string() : std::string(reason);
}

void Fleet::SetNumbers(HostIndex host, const HostState& state) {
  HostNumbers& own = numbers_[host];
  const auto memory = InventoryOf(state.inventories, model::kMemoryMb);
  const auto disk = InventoryOf(state.inventories, model::kDiskGb);
  const auto vcpu = InventoryOf(state.inventories, model::kVcpu);
  own.free_ram_mb = memory.total - memory.reserved - own.claimed_ram_mb;
  std::int64_t free_gb = disk.total - disk.reserved;
  own.free_disk_mb = free_gb * 1024 - own.claimed_disk_mb;
  if (state.disk_available_least) {
    own.free_disk_mb = std::min(own.free_disk_mb, *state.disk_available_least * 1024);
  }
  own.vcpus_total = vcpu.total;
  own.vcpus_used = vcpu.reserved + own.claimed_vcpus;
  own.cpu_allocation_ratio = vcpu.allocation_ratio;
  own.num_instances = StatCount(state, "num_instances") + own.claims;
  own.num_io_ops = StatCount(state, "io_workload") + own.building;
  own.failed_builds = StatCount(state, "failed_builds");
}

void Fleet::SetHardware(HostIndex host, const HostState& state) {
  HostRecord& record = *records_[host];
  std::unique_ptr<HostHardware> before = std::move(record.hardware);
  if (before && before->RefusesNuma()) --numa_refusers_;
  const bool some = state.numa_topology || !state.pci_device_pools.empty();
  if (some || before) {
    record.hardware = std::make_unique<HostHardware>(state.numa_topology, state.pci_device_pools);
    if (before) {
      absl::flat_hash_set<UuidKey> measured;
      for (const Uuid& uuid : state.measured) measured.insert(core::KeyOf(uuid));
      record.hardware->Inherit(std::move(*before), measured);
    }
  }
  if (record.hardware && record.hardware->RefusesNuma()) ++numa_refusers_;
  numbers_[host].free_pci_devices = record.hardware ? record.hardware->FreeDevices() : 0;
}

void Fleet::SetForeign(HostIndex host, const std::vector<Uuid>& instances) {
  HostRecord& record = *records_[host];
  for (const auto& uuid : record.instances) {
    const auto found = foreign_.find(core::KeyOf(uuid));
    std::erase(found->second, host);
    if (found->second.empty()) foreign_.erase(found);
  }
  record.instances = instances;
  std::ranges::sort(record.instances);
  record.instances.erase(std::unique(record.instances.begin(), record.instances.end()),
                         record.instances.end());
  for (const auto& uuid : record.instances) foreign_[core::KeyOf(uuid)].push_back(host);
}

HostSnapshot Fleet::Snapshot(HostIndex host) const {
  const HostRecord& record = *records_[host];
  HostSnapshot snapshot;
  HostState& state = snapshot.state;
  state.host = record.host;
  state.node = record.node;
  state.uuid = record.uuid;
  state.cell = texts[cell[host]];
  state.up = (flags[host] & kUp) != 0;
  state.enabled = (flags[host] & kEnabled) != 0;
  state.disabled_reason = record.disabled_reason;
  state.availability_zone = texts[record.zone];
  state.aggregates = aggregate_lists[aggregates[host]];
  state.inventories = record.inventories;
  state.traits = trait_lists[record.traits];
  state.nested = trees_.NestedIn(host);
  state.hypervisor_type = texts[record.hypervisor_type];
  state.hypervisor_version = record.hypervisor_version;
  state.host_ip = record.host_ip;
  state.cpu_info = texts[record.cpu_info];
  state.supported_instances = supported_lists[supported[host]];
  state.disk_available_least = record.disk_available_least;
  state.stats = stat_maps[record.stats];
  state.metrics = record.metrics;
  if (record.hardware) {
    state.numa_topology = record.hardware->reported_numa();
    state.pci_device_pools = record.hardware->reported_pools();
  }
  state.instances = record.instances;
  snapshot.used = UsedOn(host);
  snapshot.claimed_instances = numbers_[host].claims;
  return snapshot;
}

std::size_t Fleet::MemoryBytes() const {
  const std::size_t columns =
      sizeof(HostNumbers) + 4 * sizeof(std::uint32_t) + 1 +
      classes_.size() * (sizeof(ClassColumn::Units) + 2 * sizeof(std::int64_t));
  std::size_t bytes = records_.capacity() * (columns + sizeof(void*));
  for (const auto& record : records_) {
    if (!record) continue;
    bytes += sizeof(HostRecord) + 2 * sizeof(void*) + 32;  // the index node
    for (const auto* text : {&record->host, &record->node, &record->uuid, &record->host_ip,
                             &record->disabled_reason}) {
      if (text->capacity() > 15) bytes += text->capacity() + 1;
    }
    bytes += record->inventories.size() * (sizeof(model::Inventories::value_type) + 40);
    bytes += record->instances.capacity() * (sizeof(Uuid) + 48);
  }
  bytes += images.MemoryBytes();
  return bytes + claims_.capacity() * (sizeof(UuidKey) + sizeof(ClaimEntry) + 1);
}

}  // namespace kilonova::scheduler::core
