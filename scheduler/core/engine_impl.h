// SPDX-License-Identifier: Apache-2.0
// The engine's parts and what its calls share: engine.cpp has the calls that keep the fleet,
// engine_place.cpp those that decide. Internal to the engine.
#pragma once

#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "scheduler/core/engine.h"
#include "scheduler/core/fallback_watch.h"
#include "scheduler/core/fast/fast_path.h"
#include "scheduler/core/fleet.h"
#include "scheduler/core/placement_check.h"
#include "scheduler/core/selector.h"
#include "scheduler/core/what_fits.h"

namespace kilonova::scheduler::core {

inline Status NoSuchHost(std::string_view host) {
  return Error(Code::kNotFound, reason::kHostNotFound, "no such host",
               {{"host", std::string(host.substr(0, 255))}});
}

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
  // Null too when no host may be claimed by it: so for most requests, as the rules for NUMA cells
  // want CPUs to pin, and hosts that have some mostly report PCPU.
  Expected<std::unique_ptr<VcpuFallback>> FallbackThatMatters(const PlacementRequest& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of each of these hosts, by the first of `kinds` that it serves.
  Expected<std::map<HostIndex, std::int64_t>> RoomWithin(const std::vector<PlacementRequest>& kinds,
                                                         HostRange hosts)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether one host's room may be another's, so that they must be looked at together.
  bool AnyShared(const std::vector<PlacementRequest>& kinds) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const ProviderTrees& trees = fleet_.provider_trees();
    return trees.AnyShared() && std::ranges::any_of(kinds, [&](const PlacementRequest& kind) {
             return kind.resource_request != nullptr && trees.MayServe(*kind.resource_request);
           });
  }
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
  FallbackWatch fallbacks_ ABSL_GUARDED_BY(mutex_){fleet_};
  Pipeline pipeline_;  // never changed
  Selector selector_ ABSL_GUARDED_BY(mutex_);
  fast::FastPath fast_ ABSL_GUARDED_BY(mutex_);

 private:
  Expected<std::vector<UuidKey>> KeysOf(const PlacementRequest& request) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
};

}  // namespace kilonova::scheduler::core
