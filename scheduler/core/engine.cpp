// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/engine.h"

#include <absl/container/flat_hash_set.h>
#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "scheduler/core/explainer.h"
#include "scheduler/core/fast/fast_path.h"
#include "scheduler/core/fleet.h"
#include "scheduler/core/inventory_check.h"
#include "scheduler/core/placement_check.h"
#include "scheduler/core/remedies.h"
#include "scheduler/core/selector.h"
#include "scheduler/core/what_fits.h"

namespace kilonova::scheduler::core {
namespace {

constexpr std::size_t kNearMisses = 5;  // kept with a refusal
constexpr std::int64_t kMostUnits = INT32_MAX;

Status NoSuchHost(std::string_view host) {
  return Error(Code::kNotFound, reason::kHostNotFound, "no such host",
               {{"host", std::string(host.substr(0, 255))}});
}

Status BadInventory(const std::string& name, std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
               {{"field", "inventories." + name}});
}

Status ValidateInventories(const model::Inventories& inventories) {
  for (const auto& [name, inventory] : inventories) {
    if (name.find(kAtProvider) != std::string::npos) {
      return BadInventory(name, "a resource class has no '@' in its name");
    }
    if (inventory.total < 0 || inventory.total > kMostUnits || inventory.reserved < 0 ||
        inventory.reserved > kMostUnits) {
      return BadInventory(name, "total and reserved must be from 0 to 2147483647");
    }
    if (inventory.min_unit < 1 || inventory.max_unit < 1 || inventory.step_size < 1) {
      return BadInventory(name, "min_unit, max_unit and step_size must be 1 or more");
    }
    const double ratio = inventory.allocation_ratio;
    if (!std::isfinite(ratio) || ratio <= 0 || ratio > 1e6) {
      return BadInventory(name, "allocation_ratio must be above 0 and at most 1000000");
    }
  }
  return OkStatus();
}

// Each is named once and nested in the host or in one named before it.
Status ValidateNested(const std::vector<NestedProvider>& nested) {
  const auto bad = [](const std::string& name, std::string_view message) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
                 {{"field", "nested." + name}});
  };
  if (nested.size() > kMostNestedProviders) return bad("", "too many nested providers");
  std::set<std::string> names;
  for (const NestedProvider& provider : nested) {
    if (provider.name.empty() || provider.name.size() > 200 ||
        provider.name.find(kAtProvider) != std::string::npos) {
      return bad(provider.name.substr(0, 200),
                 "a provider's name has 1 to 200 characters and no '@'");
    }
    if (!provider.parent.empty() && !names.contains(provider.parent)) {
      return bad(provider.name, "the parent must be listed before its children");
    }
    if (!names.insert(provider.name).second) return bad(provider.name, "named twice");
    RETURN_IF_ERROR(ValidateInventories(provider.inventories));
  }
  return OkStatus();
}

Status ValidateHost(const HostState& state) {
  if (!IsValidHostName(state.host)) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, "bad host name",
                 {{"field", "host"}});
  }
  for (const auto& [name, value] : state.metrics) {
    if (!std::isfinite(value)) {
      return Error(Code::kInvalidArgument, reason::kInvalidArgument, "a metric must be finite",
                   {{"field", "metrics." + name}});
    }
  }
  RETURN_IF_ERROR(ValidateInventories(state.inventories));
  return ValidateNested(state.nested);
}

}  // namespace

// Holds a footprint for as long as one call needs it; claims hold it for themselves.
class FootprintHold {
 public:
  FootprintHold(Fleet& fleet, Fleet::FootprintId id) : fleet_(fleet), id_(id) {}
  ~FootprintHold() { fleet_.ReleaseFootprint(id_); }
  FootprintHold(const FootprintHold&) = delete;
  FootprintHold& operator=(const FootprintHold&) = delete;
  Fleet::FootprintId id() const { return id_; }
  const Footprint& operator*() const { return fleet_.FootprintAt(id_); }

 private:
  Fleet& fleet_;
  Fleet::FootprintId id_;
};

// What Nova asks of Placement a second time for pinned guests: VCPU in the place of PCPU, for hosts
// that report no PCPU yet. A host that has a candidate of the first kind is never claimed by this.
class VcpuFallback {
 public:
  VcpuFallback(Fleet& fleet, const PlacementRequest& request, Fleet::FootprintId id)
      : request_(request), print_(fleet, id), check_(request_, *print_) {}
  static PlacementRequest RequestOf(const PlacementRequest& first) {
    PlacementRequest second = first;
    second.resource_request = second.vcpu_fallback;
    second.vcpu_fallback = nullptr;
    return second;
  }
  Fleet::FootprintId footprint() const { return print_.id(); }
  const PlacementCheck& check() const { return check_; }

 private:
  const PlacementRequest request_;
  FootprintHold print_;
  PlacementCheck check_;
};

class Engine::Impl {
 public:
  explicit Impl(Pipeline pipeline)
      : pipeline_(std::move(pipeline)), selector_(pipeline_), fast_(pipeline_, selector_) {
    if (std::ranges::any_of(pipeline_.weighers, [](const auto& w) { return w->ReadsImages(); })) {
      fleet_.images.Start();
    }
  }

  enum class Aftermath { kKeepClaims, kUndo };
  enum class Way { kFast, kFullScan };
  Expected<PlaceResult> Place(const PlacementRequest& asked, const PlaceOptions& options,
                              Aftermath aftermath) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Nothing when the fast way turned out not to be one, and nothing is changed.
  Expected<std::optional<PlaceResult>> TryPlace(const PlacementRequest& asked,
                                                const PlaceOptions& options, Aftermath aftermath,
                                                Way way) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null when the request has none.
  Expected<std::unique_ptr<VcpuFallback>> FallbackOf(const PlacementRequest& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether any host may be claimed by it. False for most requests, as the rules for NUMA cells
  // want CPUs to pin, and hosts that have some mostly report PCPU.
  bool Matters(const VcpuFallback& fallback, const Footprint& first,
               const PlacementRequest& request) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<std::unique_ptr<VcpuFallback>> FallbackThatMatters(const PlacementRequest& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<HostIndex> FindHost(std::string_view name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto host = fleet_.Find(name);
    if (!host) return NoSuchHost(name);
    return *host;
  }
  Expected<Fleet::FootprintId> HoldFootprint(const model::Flavor& flavor,
                                             const model::Resources& resources,
                                             Fleet::NewClasses new_classes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return fleet_.HoldFootprint(
        FootprintOf(flavor, resources.empty() ? model::ResourcesOf(flavor) : resources),
        new_classes);
  }

  mutable absl::Mutex mutex_;
  Fleet fleet_ ABSL_GUARDED_BY(mutex_);
  Pipeline pipeline_;  // never changed
  Selector selector_ ABSL_GUARDED_BY(mutex_);
  fast::FastPath fast_ ABSL_GUARDED_BY(mutex_);

 private:
  Expected<std::vector<UuidKey>> KeysOf(const PlacementRequest& request) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
};

Expected<std::vector<UuidKey>> Engine::Impl::KeysOf(const PlacementRequest& request) const {
  if (request.instances.empty()) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, "no instances to place");
  }
  std::vector<UuidKey> keys;
  absl::flat_hash_set<UuidKey> seen;
  keys.reserve(request.instances.size());
  for (const auto& uuid : request.instances) {
    const bool twice =
        request.instances.size() > 1 && !uuid.empty() && !seen.insert(KeyOf(uuid)).second;
    if (uuid.empty() || twice) {
      return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                   "the instances to place must differ");
    }
    keys.push_back(KeyOf(uuid));
    if (fleet_.FindClaim(keys.back()) != nullptr) {
      return Error(Code::kAlreadyExists, reason::kInstanceStateConflict,
                   "the instance has a place already", {{"instance", uuid.str()}});
    }
  }
  return keys;
}

Expected<std::unique_ptr<VcpuFallback>> Engine::Impl::FallbackOf(const PlacementRequest& request) {
  if (request.vcpu_fallback == nullptr) return nullptr;
  const PlacementRequest second = VcpuFallback::RequestOf(request);
  ASSIGN_OR_RETURN(const auto id,
                   HoldFootprint(second.flavor, ResourcesOf(second), Fleet::NewClasses::kNone));
  return std::make_unique<VcpuFallback>(fleet_, second, id);
}

bool Engine::Impl::Matters(const VcpuFallback& fallback, const Footprint& first,
                           const PlacementRequest& request) const {
  const Footprint& second = fleet_.FootprintAt(fallback.footprint());
  const bool judged = request.numa_topology && LimitsNuma(pipeline_, request);
  std::size_t pinned = 0;
  for (std::size_t i = 0; judged && i < request.numa_topology->cells.size(); ++i) {
    pinned += request.numa_topology->cells[i].pcpuset.Size();
  }
  const auto has_cpus_to_pin = [&](HostIndex host) {
    const HostHardware* hardware = fleet_.Record(host).hardware.get();
    if (hardware == nullptr || hardware->numa() == nullptr) return false;
    std::size_t free = 0;
    for (const hardware::HostNumaCell& cell : hardware->numa()->cells) {
      free += cell.FreePcpuCount();
    }
    return free >= pinned;
  };
  for (HostIndex host = 0; host < fleet_.Slots(); ++host) {
    if (!fleet_.Present(host) || fleet_.Fits(host, first)) continue;
    const bool may = fleet_.Fits(host, second) || fleet_.provider_trees().Has(host) ||
                     fleet_.provider_trees().AnyShared();
    if (may && (!judged || has_cpus_to_pin(host))) return true;
  }
  return false;
}

Expected<std::unique_ptr<VcpuFallback>> Engine::Impl::FallbackThatMatters(
    const PlacementRequest& request) {
  ASSIGN_OR_RETURN(auto fallback, FallbackOf(request));
  if (fallback == nullptr) return nullptr;
  ASSIGN_OR_RETURN(const auto id,
                   HoldFootprint(request.flavor, ResourcesOf(request), Fleet::NewClasses::kNone));
  const FootprintHold first(fleet_, id);
  if (!Matters(*fallback, *first, request)) fallback.reset();
  return fallback;
}

Expected<PlaceResult> Engine::Impl::Place(const PlacementRequest& asked,
                                          const PlaceOptions& options, Aftermath aftermath) {
  for (const Way way : {Way::kFast, Way::kFullScan}) {
    ASSIGN_OR_RETURN(auto result, TryPlace(asked, options, aftermath, way));
    if (result) return *std::move(result);
  }
  return Error(Code::kInternal, reason::kInternal, "a full scan always has an answer");
}

Expected<std::optional<PlaceResult>> Engine::Impl::TryPlace(const PlacementRequest& asked,
                                                            const PlaceOptions& options,
                                                            Aftermath aftermath, Way way) {
  ASSIGN_OR_RETURN(const std::vector<UuidKey> keys, KeysOf(asked));
  ASSIGN_OR_RETURN(const auto fallback, FallbackThatMatters(asked));
  // A NUMA topology changes from instance to instance (HardwareWish); all else is as it came.
  std::optional<PlacementRequest> changing;
  if (asked.numa_topology) changing = asked;
  const PlacementRequest& request = changing ? *changing : asked;
  const bool fast_way = way == Way::kFast && fallback == nullptr;
  const fast::Route route = fast_way ? fast_.Find(fleet_, request) : fast::Route();
  fast::RequestClass* const fast = route.of;
  Fleet::FootprintId id = 0;
  if (fast != nullptr) {
    id = fast->footprint;
    fleet_.Retain(id);
  } else {
    ASSIGN_OR_RETURN(id, HoldFootprint(asked.flavor, ResourcesOf(asked), Fleet::NewClasses::kNone));
  }
  const FootprintHold footprint(fleet_, id);
  // What is found fast was judged by its class, and only its room may be gone.
  std::optional<PlacementCheck> placement;
  if (fast == nullptr) placement.emplace(asked, *footprint);
  absl::flat_hash_set<HostIndex> by_fallback;  // candidates that have none of the first kind

  std::optional<hardware::InstanceNumaTopology> no_topology;
  const bool limited = changing && LimitsNuma(pipeline_, request);

  // False where Nova's picture of the host is not brought up to date in full.
  std::vector<std::pair<HostIndex, hardware::PciStats>> pci_before;
  const auto take_hardware = [&](std::size_t instance,
                                 HostIndex host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!request.pci_requests.empty()) {
      if (auto pci = fleet_.PciOf(host)) pci_before.emplace_back(host, *std::move(pci));
    }
    hardware::NumaLimits limits;
    if (limited) limits = fleet_.NumaLimitsOf(host, request);
    return fleet_.TakeHardware(keys[instance], host,
                               {.numa = changing ? changing->numa_topology : no_topology,
                                .pci = request.pci_requests,
                                .limits = limited ? &limits : nullptr,
                                .order = pipeline_.pack_numa_cells ? hardware::CellOrder::kPack
                                                                   : hardware::CellOrder::kSpread});
  };
  std::size_t claimed = 0;
  const auto try_claim = [&](std::size_t instance,
                             HostIndex host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const bool second = by_fallback.contains(host);
    const PlacementCheck* check = second ? &fallback->check() : placement ? &*placement : nullptr;
    if (check != nullptr ? check->RootServes(fleet_, host) : fleet_.Fits(host, *footprint)) {
      fleet_.AddClaim(keys[instance], host, second ? fallback->footprint() : footprint.id(),
                      take_hardware(instance, host));
      ++claimed;
      return true;
    }
    if (check == nullptr) return false;
    const auto allocation = check->Allocate(fleet_, host);
    if (!allocation) return false;
    const auto nested = HoldFootprint(request.flavor, *allocation, Fleet::NewClasses::kNone);
    if (!nested.ok()) return false;
    const FootprintHold hold(fleet_, *nested);
    fleet_.AddClaim(keys[instance], host, *nested, take_hardware(instance, host));
    ++claimed;
    return true;
  };
  const auto undo = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (std::size_t i = 0; i < claimed; ++i) fleet_.DropClaim(keys[i]);
    for (; !pci_before.empty(); pci_before.pop_back()) {
      fleet_.PutBackPci(pci_before.back().first, std::move(pci_before.back().second));
    }
  };
  Expected<Picks> picks = Picks();
  if (fast != nullptr) {
    auto found = fast_.Select(fleet_, request, route, options.alternates, try_claim);
    if (!found) {
      undo();
      return std::optional<PlaceResult>();
    }
    picks = *std::move(found);
  } else {
    std::vector<HostIndex> candidates = route.only ? *route.only : AllHosts(fleet_);
    RETURN_IF_ERROR(placement->Keep(fleet_, candidates));
    if (fallback != nullptr) {
      std::vector<HostIndex> first = std::move(candidates);
      candidates = route.only ? *route.only : AllHosts(fleet_);
      RETURN_IF_ERROR(fallback->check().Keep(fleet_, candidates));
      by_fallback.insert(candidates.begin(), candidates.end());
      for (const HostIndex host : first) by_fallback.erase(host);
      first.insert(first.end(), by_fallback.begin(), by_fallback.end());
      std::ranges::sort(first);
      candidates = std::move(first);
    }
    picks = selector_.Select(fleet_, request, std::move(candidates), options.alternates, try_claim,
                             [](HostIndex) { return true; });
  }
  if (!picks.ok()) {
    undo();
    return picks.status();
  }
  PlaceResult result;
  if (!picks->complete) {
    // Told with what was claimed so far still held: that is what stands in the way.
    const PlacementCheck why_not(request, *footprint, fallback ? &fallback->check() : nullptr);
    auto why = ExplainRequest(fleet_, pipeline_, request, why_not, selector_.scorer(), kNearMisses);
    undo();
    if (!why.ok()) return why.status();
    result.refusal = *std::move(why);
    if (claimed > 0) {
      result.refusal.summary = std::to_string(claimed) + " of " + std::to_string(keys.size()) +
                               " instances would fit. For the next: " + result.refusal.summary;
    }
    return std::optional(std::move(result));
  }
  result.selections.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Pick& pick = picks->picks[i];
    const Footprint& taken = fleet_.FootprintAt(fleet_.FindClaim(keys[i])->footprint);
    Selection selection{request.instances[i], fleet_.RefOf(pick.host), {}, taken.resources};
    for (const HostIndex host : pick.alternates) {
      selection.alternates.push_back(fleet_.RefOf(host));
    }
    result.selections.push_back(std::move(selection));
  }
  if (aftermath == Aftermath::kUndo) {
    undo();
  } else if (fleet_.images.kept()) {
    // Only now: as in Nova, instances of one request do not know of each other's images.
    const ImagePairs pairs = PairsOfInstance(request.image_properties);
    for (const UuidKey& key : keys) fleet_.SetImage(key, pairs);
  }
  return std::optional(std::move(result));
}

Engine::Engine(Pipeline pipeline) : impl_(std::make_unique<Impl>(std::move(pipeline))) {}
Engine::~Engine() = default;

Status Engine::UpsertHost(const HostState& state) {
  RETURN_IF_ERROR(ValidateHost(state));
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->fleet_.Upsert(state).status();
}

Status Engine::UpsertSharingProvider(const SharingProvider& provider) {
  if (!IsValidHostName(provider.name) || provider.name.size() > 200) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 "a name has 1 to 200 of letters, digits, '.', '_' and '-'", {{"field", "name"}});
  }
  if (provider.inventories.empty()) return BadInventory("", "a provider shares something");
  RETURN_IF_ERROR(ValidateInventories(provider.inventories));
  const absl::MutexLock lock(&impl_->mutex_);
  impl_->fleet_.Share(provider);
  return OkStatus();
}

Status Engine::RemoveSharingProvider(std::string_view name) {
  const absl::MutexLock lock(&impl_->mutex_);
  if (impl_->fleet_.Unshare(name)) return OkStatus();
  if (!impl_->fleet_.provider_trees().UsedOfShared(name).empty()) {
    return Error(Code::kFailedPrecondition, reason::kInstanceStateConflict,
                 "instances hold something of it", {{"name", std::string(name)}});
  }
  return Error(Code::kNotFound, reason::kProviderNotFound, "no such sharing provider",
               {{"name", std::string(name.substr(0, 255))}});
}

std::vector<std::pair<SharingProvider, model::Resources>> Engine::SharingProviders() const {
  const absl::MutexLock lock(&impl_->mutex_);
  const ProviderTrees& trees = impl_->fleet_.provider_trees();
  std::vector<std::pair<SharingProvider, model::Resources>> all;
  for (SharingProvider& provider : trees.Shared()) {
    model::Resources used = trees.UsedOfShared(provider.name);
    all.emplace_back(std::move(provider), std::move(used));
  }
  return all;
}

Status Engine::SetHostUp(std::string_view host, bool up) {
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  impl_->fleet_.SetUp(index, up);
  return OkStatus();
}

Status Engine::SetHostEnabled(std::string_view host, bool enabled, std::string_view reason) {
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  impl_->fleet_.SetEnabled(index, enabled, reason);
  return OkStatus();
}

Status Engine::RemoveHost(std::string_view host) {
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  if (impl_->fleet_.Record(index).claims > 0) {
    return Error(Code::kFailedPrecondition, reason::kInstanceStateConflict,
                 "the host still has instances", {{"host", std::string(host)}});
  }
  impl_->fleet_.Remove(index);
  return OkStatus();
}

std::optional<HostSnapshot> Engine::GetHost(std::string_view host) const {
  const absl::MutexLock lock(&impl_->mutex_);
  const auto index = impl_->fleet_.Find(host);
  if (!index) return std::nullopt;
  return impl_->fleet_.Snapshot(*index);
}

std::vector<HostSnapshot> Engine::ListHosts(std::string_view after, std::size_t limit) const {
  const absl::MutexLock lock(&impl_->mutex_);
  std::vector<HostSnapshot> hosts;
  const auto& by_name = impl_->fleet_.ByName();
  for (auto at = by_name.upper_bound(after); at != by_name.end() && hosts.size() < limit; ++at) {
    hosts.push_back(impl_->fleet_.Snapshot(at->second));
  }
  return hosts;
}

std::size_t Engine::HostCount() const {
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->fleet_.Count();
}

Expected<PlaceResult> Engine::Place(const PlacementRequest& request, const PlaceOptions& options) {
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->Place(request, options, Impl::Aftermath::kKeepClaims);
}

Expected<PlaceResult> Engine::DryRun(const PlacementRequest& request, const PlaceOptions& options) {
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->Place(request, options, Impl::Aftermath::kUndo);
}

Expected<Explanation> Engine::Explain(const PlacementRequest& request,
                                      std::size_t most_hosts) const {
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const auto id, impl_->HoldFootprint(request.flavor, ResourcesOf(request),
                                                       Fleet::NewClasses::kNone));
  const FootprintHold footprint(impl_->fleet_, id);
  ASSIGN_OR_RETURN(const auto fallback, impl_->FallbackOf(request));
  const PlacementCheck placement(request, *footprint, fallback ? &fallback->check() : nullptr);
  return ExplainRequest(impl_->fleet_, impl_->pipeline_, request, placement,
                        impl_->selector_.scorer(), most_hosts);
}

Expected<std::vector<Remedy>> Engine::Remedies(const PlacementRequest& request) {
  const absl::MutexLock lock(&impl_->mutex_);
  return FindRemedies(impl_->fleet_, impl_->pipeline_, request);
}

Expected<Room> Engine::WhatFits(const PlacementRequest& request) {
  const absl::MutexLock lock(&impl_->mutex_);
  Fleet& fleet = impl_->fleet_;
  PlacementRequest alone = request;
  alone.instance_group.reset();
  std::map<HostIndex, std::int64_t> hosts;
  // Of a pinned guest: hosts of the first kind, then the others, as they are placed.
  std::vector<PlacementRequest> kinds{alone};
  if (alone.vcpu_fallback != nullptr) kinds.push_back(VcpuFallback::RequestOf(alone));
  for (const PlacementRequest& kind : kinds) {
    ASSIGN_OR_RETURN(const auto id, impl_->HoldFootprint(kind.flavor, ResourcesOf(kind),
                                                         Fleet::NewClasses::kNone));
    const FootprintHold footprint(fleet, id);
    ASSIGN_OR_RETURN(const auto found, RoomFor(fleet, impl_->pipeline_, kind, id));
    for (const RoomOnHost& host : found) hosts.emplace(host.host, host.count);
  }
  if (request.instance_group) {
    std::optional<HostIndex> next;
    if (WantsOneHost(impl_->pipeline_, *request.instance_group)) {
      PlacementRequest one = request;
      one.instances = {Uuid::Random()};
      ASSIGN_OR_RETURN(const PlaceResult placed,
                       impl_->Place(one, {.alternates = 0}, Impl::Aftermath::kUndo));
      if (placed.placed()) next = fleet.Find(placed.selections[0].chosen.host);
    }
    LimitToGroup(fleet, impl_->pipeline_, *request.instance_group, next, hosts);
  }
  Room room;
  room.hosts.reserve(hosts.size());
  for (const auto& [host, count] : hosts) {
    room.count += count;
    room.hosts.push_back({fleet.Record(host).host, count});
  }
  return room;
}

Status Engine::Claim(const Uuid& instance, std::string_view host, const model::Flavor& flavor,
                     const model::Resources& resources, ClaimCheck check) {
  const absl::MutexLock lock(&impl_->mutex_);
  Fleet& fleet = impl_->fleet_;
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  ASSIGN_OR_RETURN(const auto id,
                   impl_->HoldFootprint(flavor, resources,
                                        check == ClaimCheck::kLoading ? Fleet::NewClasses::kAdd
                                                                      : Fleet::NewClasses::kNone));
  const FootprintHold footprint(fleet, id);
  const UuidKey key = KeyOf(instance);
  if (const auto* held = fleet.FindClaim(key)) {
    if (held->host == index && held->footprint == id) return OkStatus();
    return Error(Code::kAlreadyExists, reason::kInstanceStateConflict,
                 "the instance has a place already", {{"instance", instance.str()}});
  }
  if (check == ClaimCheck::kCapacity && !fleet.Fits(index, *footprint)) {
    return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                 "the host has no room left", {{"host", std::string(host)}});
  }
  fleet.AddClaim(key, index, id, check == ClaimCheck::kCapacity);
  return OkStatus();
}

void Engine::SetImage(const Uuid& instance, const std::map<std::string, std::string>& properties) {
  const absl::MutexLock lock(&impl_->mutex_);
  if (!impl_->fleet_.images.kept()) return;
  impl_->fleet_.SetImage(KeyOf(instance), PairsOfInstance(properties));
}

void Engine::BuildFinished(const Uuid& instance) {
  const absl::MutexLock lock(&impl_->mutex_);
  impl_->fleet_.EndBuilding(KeyOf(instance));
}

bool Engine::Release(const Uuid& instance) {
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->fleet_.DropClaim(KeyOf(instance));
}

Status Engine::MoveClaim(const Uuid& instance, std::string_view host) {
  const absl::MutexLock lock(&impl_->mutex_);
  Fleet& fleet = impl_->fleet_;
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  const UuidKey key = KeyOf(instance);
  const auto* held = fleet.FindClaim(key);
  if (held == nullptr) {
    return Error(Code::kNotFound, reason::kClaimMissing, "the instance has no place",
                 {{"instance", instance.str()}});
  }
  if (held->host == index) return OkStatus();
  const auto id = held->footprint;
  // Which of the other host's nested providers would serve it, only the whole request can tell.
  const bool nested = !fleet.FootprintAt(id).nested.empty();
  if (nested || !fleet.Fits(index, fleet.FootprintAt(id))) {
    return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                 "the host has no room left", {{"host", std::string(host)}});
  }
  fleet.MoveClaim(key, index);
  return OkStatus();
}

std::optional<ClaimRecord> Engine::GetClaim(const Uuid& instance) const {
  const absl::MutexLock lock(&impl_->mutex_);
  const auto* held = impl_->fleet_.FindClaim(KeyOf(instance));
  if (held == nullptr) return std::nullopt;
  return ClaimRecord{instance, impl_->fleet_.Record(held->host).host,
                     impl_->fleet_.FootprintAt(held->footprint).resources};
}

std::optional<HardwareUse> Engine::HardwareOf(const Uuid& instance) const {
  const absl::MutexLock lock(&impl_->mutex_);
  const HardwareUse* use = impl_->fleet_.HardwareOf(KeyOf(instance));
  if (use == nullptr) return std::nullopt;
  return *use;
}

void Engine::RestoreHardware(const Uuid& instance, HardwareUse use) {
  const absl::MutexLock lock(&impl_->mutex_);
  impl_->fleet_.RestoreHardware(KeyOf(instance), std::move(use));
}

Expected<model::Resources> Engine::Usage(std::string_view host) const {
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  return impl_->fleet_.UsedOn(index);
}

std::size_t Engine::MemoryBytes() const {
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->fleet_.MemoryBytes() + impl_->fast_.MemoryBytes();
}

}  // namespace kilonova::scheduler::core
