// SPDX-License-Identifier: Apache-2.0
// Decisions: placing, trying, explaining, and what would fit.
#include <absl/container/flat_hash_set.h>

#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "scheduler/core/engine_impl.h"
#include "scheduler/core/explainer.h"
#include "scheduler/core/remedies.h"
#include "scheduler/core/what_fits.h"

namespace kilonova::scheduler::core {
namespace {

constexpr std::size_t kNearMisses = 5;  // kept with a refusal
// What is asked of every host is asked of so many under the lock, then others have a turn.
constexpr HostIndex kHostsAtOnce = 250;
constexpr std::chrono::microseconds kTurnOfOthers(100);

}  // namespace

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

Expected<std::unique_ptr<VcpuFallback>> Engine::Impl::FallbackThatMatters(
    const PlacementRequest& request) {
  if (request.vcpu_fallback == nullptr) return nullptr;
  ASSIGN_OR_RETURN(const auto first,
                   HoldFootprint(request.flavor, ResourcesOf(request), Fleet::NewClasses::kNone));
  const FootprintHold first_held(fleet_, first);
  ASSIGN_OR_RETURN(const auto second,
                   HoldFootprint(request.flavor, request.vcpu_fallback->MergedResources(),
                                 Fleet::NewClasses::kNone));
  const FootprintHold second_held(fleet_, second);
  FallbackWatch::Question question{.first = first, .second = second};
  question.judged = request.numa_topology && LimitsNuma(pipeline_, request);
  for (std::size_t i = 0; question.judged && i < request.numa_topology->cells.size(); ++i) {
    question.pinned += request.numa_topology->cells[i].pcpuset.Size();
  }
  if (!fallbacks_.Any(question)) return nullptr;
  return FallbackOf(request);
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
  if (fast == nullptr || fast->providers) placement.emplace(asked, *footprint);
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

Expected<std::vector<Remedy>> Engine::Remedies(const PlacementRequest& request,
                                               std::span<const Relaxation> relaxations) {
  const absl::MutexLock lock(&impl_->mutex_);
  return FindRemedies(impl_->fleet_, impl_->pipeline_, request, relaxations);
}

Expected<std::map<HostIndex, std::int64_t>> Engine::Impl::RoomWithin(
    const std::vector<PlacementRequest>& kinds, HostRange hosts) {
  std::map<HostIndex, std::int64_t> room;
  for (const PlacementRequest& kind : kinds) {
    ASSIGN_OR_RETURN(const auto id,
                     HoldFootprint(kind.flavor, ResourcesOf(kind), Fleet::NewClasses::kNone));
    const FootprintHold footprint(fleet_, id);
    ASSIGN_OR_RETURN(const auto found, RoomFor(fleet_, pipeline_, kind, id, hosts));
    for (const RoomOnHost& host : found) room.emplace(host.host, host.count);
  }
  return room;
}

Expected<Room> Engine::WhatFits(const PlacementRequest& request) {
  PlacementRequest alone = request;
  alone.instance_group.reset();
  // Of a pinned guest: hosts of the first kind, then the others, as they are placed.
  std::vector<PlacementRequest> kinds{alone};
  if (alone.vcpu_fallback != nullptr) kinds.push_back(VcpuFallback::RequestOf(alone));
  std::map<HostIndex, std::int64_t> hosts;
  std::vector<std::pair<HostIndex, std::string>> names;  // of these, as they were looked at
  HostRange range{0, 0};
  for (bool more = true; more;) {
    {
      const absl::MutexLock lock(&impl_->mutex_);
      range.begin = range.end;
      range.end = impl_->AnyShared(kinds) ? impl_->fleet_.Slots() : range.begin + kHostsAtOnce;
      ASSIGN_OR_RETURN(auto some, impl_->RoomWithin(kinds, range));
      for (const auto& [host, count] : some) {
        names.emplace_back(host, impl_->fleet_.Record(host).host);
      }
      hosts.merge(some);
      more = range.end < impl_->fleet_.Slots();
    }
    // A lock that is taken again at once is mostly got again, whoever waits.
    if (more) std::this_thread::sleep_for(kTurnOfOthers);
  }
  const absl::MutexLock lock(&impl_->mutex_);
  Fleet& fleet = impl_->fleet_;
  // The place of one that went may be another's by now.
  for (const auto& [host, name] : names) {
    if (!fleet.Present(host) || fleet.Record(host).host != name) hosts.erase(host);
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

}  // namespace kilonova::scheduler::core
