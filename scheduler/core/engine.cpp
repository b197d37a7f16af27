// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/engine.h"

#include <absl/container/flat_hash_set.h>
#include <absl/synchronization/mutex.h>

#include <cmath>
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
    if (provider.name.empty() || provider.name.size() > 200) {
      return bad(provider.name.substr(0, 200), "a provider's name has 1 to 200 characters");
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

class Engine::Impl {
 public:
  explicit Impl(Pipeline pipeline)
      : pipeline_(std::move(pipeline)), selector_(pipeline_), fast_(pipeline_, selector_) {}

  enum class Aftermath { kKeepClaims, kUndo };
  enum class Way { kFast, kFullScan };
  Expected<PlaceResult> Place(const PlacementRequest& asked, const PlaceOptions& options,
                              Aftermath aftermath) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Nothing when the fast way turned out not to be one, and nothing is changed.
  Expected<std::optional<PlaceResult>> TryPlace(const PlacementRequest& asked,
                                                const PlaceOptions& options, Aftermath aftermath,
                                                Way way) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<PlaceResult> PlaceOrFallBack(const PlacementRequest& request,
                                        const PlaceOptions& options, Aftermath aftermath)
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
  // A NUMA topology changes from instance to instance (HardwareWish); all else is as it came.
  std::optional<PlacementRequest> changing;
  if (asked.numa_topology) changing = asked;
  const PlacementRequest& request = changing ? *changing : asked;
  const fast::Route route = way == Way::kFast ? fast_.Find(fleet_, request) : fast::Route();
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
    if (placement ? placement->RootServes(fleet_, host) : fleet_.Fits(host, *footprint)) {
      fleet_.AddClaim(keys[instance], host, footprint.id(), take_hardware(instance, host));
      ++claimed;
      return true;
    }
    if (!placement) return false;
    const auto allocation = placement->Allocate(fleet_, host);
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
    auto why =
        ExplainRequest(fleet_, pipeline_, request, *footprint, selector_.scorer(), kNearMisses);
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
  if (aftermath == Aftermath::kUndo) undo();
  return std::optional(std::move(result));
}

Expected<PlaceResult> Engine::Impl::PlaceOrFallBack(const PlacementRequest& request,
                                                    const PlaceOptions& options,
                                                    Aftermath aftermath) {
  auto first = Place(request, options, aftermath);
  if (!first.ok() || first->placed() || request.vcpu_fallback == nullptr) return first;
  PlacementRequest second = request;
  second.resource_request = std::move(second.vcpu_fallback);
  second.vcpu_fallback = nullptr;
  auto placed = Place(second, options, aftermath);
  return placed.ok() && placed->placed() ? std::move(placed) : std::move(first);
}

Engine::Engine(Pipeline pipeline) : impl_(std::make_unique<Impl>(std::move(pipeline))) {}
Engine::~Engine() = default;

Status Engine::UpsertHost(const HostState& state) {
  RETURN_IF_ERROR(ValidateHost(state));
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->fleet_.Upsert(state).status();
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
  return impl_->PlaceOrFallBack(request, options, Impl::Aftermath::kKeepClaims);
}

Expected<PlaceResult> Engine::DryRun(const PlacementRequest& request, const PlaceOptions& options) {
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->PlaceOrFallBack(request, options, Impl::Aftermath::kUndo);
}

Expected<Explanation> Engine::Explain(const PlacementRequest& request,
                                      std::size_t most_hosts) const {
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const auto id, impl_->HoldFootprint(request.flavor, ResourcesOf(request),
                                                       Fleet::NewClasses::kNone));
  const FootprintHold footprint(impl_->fleet_, id);
  return ExplainRequest(impl_->fleet_, impl_->pipeline_, request, *footprint,
                        impl_->selector_.scorer(), most_hosts);
}

Expected<std::vector<Remedy>> Engine::Remedies(const PlacementRequest& request) {
  const absl::MutexLock lock(&impl_->mutex_);
  return FindRemedies(impl_->fleet_, impl_->pipeline_, request);
}

Expected<Room> Engine::WhatFits(const PlacementRequest& request) {
  if (request.instance_group) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 "what fits cannot be counted for a server group",
                 {{"field", "scheduler_hints.group"}});
  }
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const auto id, impl_->HoldFootprint(request.flavor, ResourcesOf(request),
                                                       Fleet::NewClasses::kNone));
  const FootprintHold footprint(impl_->fleet_, id);
  ASSIGN_OR_RETURN(const auto hosts, RoomFor(impl_->fleet_, impl_->pipeline_, request, id));
  Room room;
  room.hosts.reserve(hosts.size());
  for (const RoomOnHost& host : hosts) {
    room.count += host.count;
    room.hosts.push_back({impl_->fleet_.Record(host.host).host, host.count});
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
