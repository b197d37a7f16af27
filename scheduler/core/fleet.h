// SPDX-License-Identifier: Apache-2.0
// The fleet in columns: one array per property, one slot per host, so that a rule which looks at
// one property of 100,000 hosts reads one array. What rules rarely need sits in a record per host.
// Not thread-safe; the Engine guards it.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/model/resources.h"
#include "scheduler/core/footprint.h"
#include "scheduler/core/host_hardware.h"
#include "scheduler/core/host_state.h"
#include "scheduler/core/huge_pages.h"
#include "scheduler/core/image_tally.h"
#include "scheduler/core/pipeline.h"
#include "scheduler/core/provider_trees.h"
#include "scheduler/core/shared_pool.h"
#include "scheduler/core/uuid_key.h"

namespace kilonova::scheduler::core {

inline constexpr std::size_t kMostResourceClasses = 64;

// One resource class of all hosts. A host without an inventory of it has capacity and max_unit 0.
struct ClassColumn {
  struct Units {
    std::int64_t capacity = 0;  // (total - reserved) * ratio
    std::int64_t used = 0;      // by claims
    std::int64_t max_unit = 0;
    // The most one allocation may take now: what is left, at most max_unit. Below zero:
    // overcommitted. With `odd_units` 0, which is the rule, this alone decides.
    std::int32_t room = 0;
  };
  std::string name;
  std::vector<Units, HugePages<Units>> units;
  std::vector<std::int64_t> min_unit, step_size;
  std::int64_t odd_units = 0;  // hosts whose min_unit or step_size is not 1

  void Resize(std::size_t hosts);
  void UpdateRoom(HostIndex host);
  bool Takes(HostIndex host, std::int64_t amount) const {
    return amount <= units[host].room && (odd_units == 0 || TakesUnit(host, amount));
  }
  bool TakesUnit(HostIndex host, std::int64_t amount) const {
    return amount >= min_unit[host] && amount % step_size[host] == 0;
  }
};

// What claims change of a host and weighers read, side by side: a claim touches them all.
struct alignas(64) HostNumbers {
  std::int64_t free_ram_mb = 0, free_disk_mb = 0, vcpus_total = 0, vcpus_used = 0;
  double cpu_allocation_ratio = 0;
  std::int64_t num_instances = 0, num_io_ops = 0, failed_builds = 0, free_pci_devices = 0;
  std::int64_t claimed_ram_mb = 0, claimed_disk_mb = 0, claimed_vcpus = 0;
  std::int64_t claims = 0, building = 0;  // how many; of these
  std::uint8_t changed = 0;               // since ClearChanged: 2 when anything but claims
};

using Words = std::vector<std::string>;

// The rest of a host. Numbers are ids in the fleet's pools.
struct HostRecord {
  std::string host, node, uuid, host_ip, disabled_reason;
  std::uint32_t zone = 0, hypervisor_type = 0, cpu_info = 0, traits = 0, stats = 0;
  std::int64_t hypervisor_version = 0;
  std::optional<std::int64_t> disk_available_least;  // GiB, as reported
  model::Inventories inventories;
  std::map<std::string, double> metrics;
  std::unique_ptr<HostHardware> hardware;  // null: neither NUMA cells nor PCI devices are known
  std::vector<Uuid> instances;             // that hold no claim
};

class Fleet {
 public:
  Fleet();
  using Stats = std::map<std::string, std::string>;

  // ---- hosts. The index of a host is stable while it exists; hosts are tried, and ties decided,
  // in the order of indexes.
  Expected<HostIndex> Upsert(const HostState& state);
  void Remove(HostIndex host);  // one without claims
  std::optional<HostIndex> Find(std::string_view name) const;
  // Hosts of that name but for the letter case; of that node.
  std::vector<HostIndex> FindAnyCase(std::string_view name) const;
  std::vector<HostIndex> FindNode(std::string_view node) const;
  std::size_t Count() const { return by_name_.size(); }
  HostIndex Slots() const { return static_cast<HostIndex>(records_.size()); }
  bool Present(HostIndex host) const { return records_[host] != nullptr; }
  const absl::btree_map<std::string_view, HostIndex>& ByName() const { return by_name_; }
  void SetUp(HostIndex host, bool up);
  void SetEnabled(HostIndex host, bool enabled, std::string_view reason);
  HostSnapshot Snapshot(HostIndex host) const;

  // ---- what rules read, a column each
  static constexpr std::uint8_t kUp = 1;
  static constexpr std::uint8_t kEnabled = 2;
  static constexpr std::uint8_t kPresent = 4;
  std::vector<std::uint8_t> flags;
  std::vector<std::uint32_t> cell, aggregates, zones, supported;  // ids
  // ---- and what the ids mean
  SharedPool<std::string> texts;
  SharedPool<std::vector<Aggregate>> aggregate_lists;
  SharedPool<Words> zone_sets;  // every zone a host is in; empty = none said, so the default
  SharedPool<std::vector<Words>> supported_lists;
  SharedPool<Words> trait_lists;
  SharedPool<Stats> stat_maps;
  ImageTally images;

  const HostNumbers& Numbers(HostIndex host) const { return numbers_[host]; }
  const HostRecord& Record(HostIndex host) const { return *records_[host]; }
  const ProviderTrees& provider_trees() const { return trees_; }
  // Some host says so little of its NUMA cells that Nova fails to fit a guest to it.
  bool RefusesNuma() const { return numa_refusers_ > 0; }
  // As ProviderTrees says.
  void Share(const SharingProvider& provider) { trees_.Share(provider); }
  bool Unshare(std::string_view name) { return trees_.Unshare(name); }
  // The host itself as Placement sees it.
  Provider RootProvider(HostIndex host) const;
  HostRef RefOf(HostIndex host) const { return {Record(host).host, Record(host).node}; }
  const ClassColumn& Class(std::uint32_t id) const { return *classes_[id]; }
  std::uint32_t Classes() const { return static_cast<std::uint32_t>(classes_.size()); }
  // Hosts of which anything changed since the last ClearChanged, each once; some may be gone.
  const std::vector<HostIndex>& Changed() const { return changed_; }
  // False when nothing but claims changed of it.
  bool ChangedWholly(HostIndex host) const { return numbers_[host].changed > 1; }
  void ClearChanged();
  // For whoever keeps up with the fleet by itself: how many changes there ever were, and the host
  // of one of the last kChangesKept, counted from 0.
  static constexpr std::uint64_t kChangesKept = 1U << 14U;
  std::uint64_t ChangeCount() const { return change_count_; }
  HostIndex ChangedAt(std::uint64_t change) const { return last_changes_[change % kChangesKept]; }
  // Hosts that run any of these instances, with a claim or without; each once, in order.
  std::vector<HostIndex> HostsOf(const std::vector<std::string>& instance_uuids) const;
  // Every place of every instance, in order: a host as often as it runs different ones of them.
  std::vector<HostIndex> PlacesOf(const std::vector<Uuid>& instances) const;

  // The id of a class no host ever had; it has a column like the others, and no inventory.
  static constexpr std::uint32_t kNoClass = 0;

  // ---- claims
  using FootprintId = std::uint32_t;
  struct ClaimEntry {
    HostIndex host = 0;
    FootprintId footprint = 0;
    bool building = false;  // counts in num_io_ops
  };
  enum class NewClasses {
    kNone,  // a class no host ever had fits no host; the table does not grow by asking
    kAdd,   // RESOURCE_EXHAUSTED past kMostResourceClasses
  };
  // The footprint is held until ReleaseFootprint.
  Expected<FootprintId> HoldFootprint(Footprint footprint, NewClasses new_classes);
  void Retain(FootprintId id) { footprints_.Hold(id); }
  void ReleaseFootprint(FootprintId id) { footprints_.Release(id); }
  const Footprint& FootprintAt(FootprintId id) const { return footprints_[id]; }
  // Placement's rule for every class of it.
  bool Fits(HostIndex host, const Footprint& footprint) const;
  const ClaimEntry* FindClaim(const UuidKey& instance) const;
  // Unchecked. False, and nothing is changed, when the instance holds one already.
  bool AddClaim(const UuidKey& instance, HostIndex host, FootprintId footprint, bool building);
  // Of a claim that is held, to another host, which then builds it. Unchecked.
  void MoveClaim(const UuidKey& instance, HostIndex host);
  bool DropClaim(const UuidKey& instance);
  // Takes NUMA cells and PCI devices for an instance that is about to hold a claim there; the claim
  // gives them back. False where Nova gives up half way.
  bool TakeHardware(const UuidKey& instance, HostIndex host, const HardwareWish& wish);
  // Of a claim that is held; null: it holds none.
  const HardwareUse* HardwareOf(const UuidKey& instance) const;
  // What the database says that claim holds; it counts once the host reports.
  void RestoreHardware(const UuidKey& instance, HardwareUse use);
  // The host's PCI devices, to be put back when claims are undone: given back one by one, pools
  // come in another order than before, and so does what the next claim takes.
  std::optional<hardware::PciStats> PciOf(HostIndex host) const;
  void PutBackPci(HostIndex host, hardware::PciStats pci);
  // What the NUMATopologyFilter lets a request take of that host.
  hardware::NumaLimits NumaLimitsOf(HostIndex host, const PlacementRequest& request) const;
  // Of an instance that holds a claim: what image it is made from.
  void SetImage(const UuidKey& instance, ImagePairs pairs);
  void EndBuilding(const UuidKey& instance);
  model::Resources UsedOn(HostIndex host) const;
  std::size_t Claims() const { return claims_.size(); }
  // For very many of them.
  void ReserveClaims(std::size_t claims) { claims_.reserve(claims); }
  void PrefetchClaim(const UuidKey& instance) const { claims_.prefetch(instance); }

  std::size_t MemoryBytes() const;

 private:
  enum class Change : std::uint8_t { kClaims = 1, kWhole = 2 };
  using ClaimMap =
      absl::flat_hash_map<UuidKey, ClaimEntry, absl::Hash<UuidKey>, std::equal_to<UuidKey>,
                          HugePages<std::pair<const UuidKey, ClaimEntry>>>;
  // What the pools have of a kind of hosts, held by whoever has the numbers.
  struct KindIds {
    std::uint32_t cpu_info = 0, traits = 0, supported = 0;
  };
  struct KnownKind {
    std::weak_ptr<const HostKind> kind;  // whether it is still the one of that address
    KindIds ids;
  };
  KindIds AcquireKind(const HostState& state);
  KindIds AcquireKind(const HostKind& kind);
  void Hold(const KindIds& ids);
  void Release(const KindIds& ids);
  void Touch(HostIndex host, Change change);
  HostIndex NewSlot();
  std::optional<std::uint32_t> FindClassId(std::string_view name) const;
  Expected<std::uint32_t> ClassId(std::string_view name);
  void AddClass(std::string_view name);
  void DropShared(HostIndex host);
  void SetInventories(HostIndex host, const model::Inventories& inventories);
  void SetNumbers(HostIndex host, const HostState& state);
  void SetHardware(HostIndex host, const HostState& state);
  void Index(HostIndex host);
  void Unindex(HostIndex host);
  void SetForeign(HostIndex host, const std::vector<Uuid>& instances);
  std::optional<HardwareUse> GiveHardware(const UuidKey& instance, HostIndex host);
  void EndClaim(ClaimMap::iterator claim);
  void Consume(HostIndex host, const Footprint& footprint, std::int64_t sign);

  std::vector<HostNumbers, HugePages<HostNumbers>> numbers_;
  absl::flat_hash_map<const HostKind*, KnownKind> kinds_;
  std::size_t kinds_kept_ = 64;
  std::vector<std::unique_ptr<HostRecord>> records_;
  std::vector<HostIndex> vacant_;
  std::vector<HostIndex> changed_;
  std::vector<HostIndex> last_changes_ = std::vector<HostIndex>(kChangesKept);
  std::uint64_t change_count_ = 0;
  absl::btree_map<std::string_view, HostIndex> by_name_;  // views into the records
  // What by_name_ does not find: names with capital letters by what they are without, and nodes
  // that are not called as their host.
  absl::btree_set<std::pair<std::string, HostIndex>> by_lower_name_;
  absl::btree_set<std::pair<std::string_view, HostIndex>> by_node_;  // views into the records
  std::int64_t numa_refusers_ = 0;
  std::vector<std::unique_ptr<ClassColumn>> classes_;
  SharedPool<Footprint> footprints_;
  ProviderTrees trees_;
  ClaimMap claims_;
  absl::flat_hash_map<UuidKey, std::vector<HostIndex>> foreign_;
};

}  // namespace kilonova::scheduler::core
