// SPDX-License-Identifier: Apache-2.0
// The scheduling engine: the whole fleet in memory, Nova's decision and the claim in one step.
//
//   Engine engine(BuildPipeline(config));                      // filters and weighers by name
//   RETURN_IF_ERROR(engine.UpsertHost(state));
//   ASSIGN_OR_RETURN(PlaceResult result, engine.Place(request, {.alternates = 2}));
//   if (!result.placed()) return NoValidHost(result.refusal.summary);
//   ...store it; on failure engine.Release(uuid) for each...
//
// Thread-safe: one mutex, held for the decision and the claim together, so two requests never win
// the same room. No I/O and no clock inside; the caller makes claims durable and reloads them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/resources.h"
#include "scheduler/core/host_hardware.h"
#include "scheduler/core/host_state.h"
#include "scheduler/core/pipeline.h"
#include "scheduler/core/placement.h"
#include "scheduler/core/relaxations.h"

namespace kilonova::scheduler::core {

struct PlaceOptions {
  std::size_t alternates = 2;  // per instance at most: max_attempts - 1
};

enum class ClaimCheck {
  kCapacity,  // refuse what Placement would refuse
  kLoading,   // the claim is a fact already (read from the database): take it whatever the host has
};

struct ClaimRecord {
  Uuid instance;
  std::string host;
  model::Resources resources;
};

class Engine {
 public:
  explicit Engine(Pipeline pipeline);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // ---- hosts
  // Adds the host or replaces what is known of it; its claims stay, even if they no longer fit.
  // INVALID_ARGUMENT for a bad host name or a senseless inventory.
  Status UpsertHost(const HostState& state);
  Status SetHostUp(std::string_view host, bool up);  // NOT_FOUND/HOST_NOT_FOUND, as below
  Status SetHostEnabled(std::string_view host, bool enabled, std::string_view reason);
  // FAILED_PRECONDITION while instances hold claims on it.
  Status RemoveHost(std::string_view host);
  std::optional<HostSnapshot> GetHost(std::string_view host) const;
  // Ordered by name, those after `after` ("" = from the start), at most `limit`.
  std::vector<HostSnapshot> ListHosts(std::string_view after, std::size_t limit) const;
  std::size_t HostCount() const;

  // ---- what hosts of an aggregate share
  // Adds the provider or replaces what is known of it; claims on it stay. INVALID_ARGUMENT for a
  // bad name or a senseless inventory.
  Status UpsertSharingProvider(const SharingProvider& provider);
  // FAILED_PRECONDITION while claims hold something of it; NOT_FOUND.
  Status RemoveSharingProvider(std::string_view name);
  // Ordered by name, with what claims take of each.
  std::vector<std::pair<SharingProvider, model::Resources>> SharingProviders() const;

  // ---- decisions
  // Picks hosts for all of request.instances, one after the other as Nova does, and claims them.
  // A request that fits nowhere is a result, not an error. Errors: INVALID_ARGUMENT (no instances,
  // one twice, extra specs no filter can read), ALREADY_EXISTS (an instance holds a claim).
  Expected<PlaceResult> Place(const PlacementRequest& request, const PlaceOptions& options = {});
  // The same answer with nothing claimed.
  Expected<PlaceResult> DryRun(const PlacementRequest& request, const PlaceOptions& options = {});
  // Judges every host for the first instance. `most_hosts` bounds the listed ones, not the counts.
  Expected<Explanation> Explain(const PlacementRequest& request, std::size_t most_hosts) const;

  // Of a request that fits nowhere: what would have to be different (remedies.h).
  Expected<std::vector<Remedy>> Remedies(const PlacementRequest& request,
                                         std::span<const Relaxation> relaxations);
  // How many more instances of the request's kind fit, host by host (what_fits.h), as members of
  // its server group if it names one. Its instances are not looked at. Decisions are taken in
  // between: each host has the room it had when it was looked at.
  Expected<Room> WhatFits(const PlacementRequest& request);

  // ---- claims, keyed by instance
  // For what the database says (kLoading) and for an alternate (kCapacity:
  // RESOURCE_EXHAUSTED/HOST_RESOURCES_EXHAUSTED when it does not fit). `flavor` is what the
  // instance is made from. ALREADY_EXISTS unless the same claim is held already.
  Status Claim(const Uuid& instance, std::string_view host, const model::Flavor& flavor,
               const model::Resources& resources, ClaimCheck check);
  // What image an instance that holds a claim is made from. Place knows it already, and Claim does
  // not. Nothing is kept of it unless a weigher asks for it.
  void SetImage(const Uuid& instance, const std::map<std::string, std::string>& properties);
  // The instance is built: its claim no longer counts as an I/O operation of its host.
  void BuildFinished(const Uuid& instance);
  // False when there was none.
  bool Release(const Uuid& instance);
  // Moves the claim to `host` in one step, checked; on failure the old claim stands.
  Status MoveClaim(const Uuid& instance, std::string_view host);
  std::optional<ClaimRecord> GetClaim(const Uuid& instance) const;
  // The NUMA cells and PCI devices a claim took; nothing: none.
  std::optional<HardwareUse> HardwareOf(const Uuid& instance) const;
  // Of a claim read from the database, so that they are promised to nobody else once the host
  // reports, unless its report has them already.
  void RestoreHardware(const Uuid& instance, HardwareUse use);
  // Per class; NOT_FOUND.
  Expected<model::Resources> Usage(std::string_view host) const;

  // Bytes held for hosts and claims, for the metrics page and the memory budget.
  std::size_t MemoryBytes() const;

 private:
  friend class ClaimLoader;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kilonova::scheduler::core
