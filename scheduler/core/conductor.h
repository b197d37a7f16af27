// SPDX-License-Identifier: Apache-2.0
// The scheduler's head: takes requests, decides, writes, and answers when the answer is durable.
// Between the API (scheduler/adapters/grpc), the engine, the store and the outbox.
//
// Every method is thread-safe. Those that change something wait for a disk sync that they share
// with all others that wait (see store.h): call them from many threads, never from an event loop.
// Time comes from the injected clock; leases run on Steady.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/hardware/pci_alias.h"
#include "scheduler/core/engine.h"
#include "scheduler/core/outbox.h"
#include "scheduler/core/records.h"
#include "scheduler/core/request_filters/request_filter.h"
#include "scheduler/core/store.h"
#include "scheduler/core/watch.h"

namespace kilonova::scheduler::core {

inline constexpr std::int64_t kMostCount = 1000;

struct ConductorOptions {
  std::int64_t max_attempts = 3;
  std::chrono::milliseconds lease{15000};
  std::chrono::hours retention{24};                // of deleted instances and requests
  std::size_t watch_ring = 16384;                  // recent changes kept for watchers
  std::string default_availability_zone = "nova";  // of hosts that name none
  std::string default_schedule_zone;               // of requests that name none; "" = any
  RequestFilterOptions request_filters;
  hardware::PciAliases pci_aliases;  // what flavors may ask for by pci_passthrough:alias
  // After a start, a creation no host takes waits this long at most for hosts that are not back
  // yet, and never longer than a lease.
  std::chrono::milliseconds most_hold{15000};
  std::size_t most_held = 32;              // of those at once; more are told to come again
  std::int64_t server_groups = 10;         // of one project; -1 = no bound
  std::int64_t server_group_members = 10;  // of one group; -1 = no bound
  std::int64_t most_count = kMostCount;    // instances of one request, up to kMostCount
  // Nova's workaround of that name: pinned guests get hosts with PCPU only.
  bool disable_fallback_pcpu_query = false;
};

// What a client says of the instances it wants; the proto message of this name, as values.
struct InstanceTemplate {
  std::string name;
  std::string flavor;                 // flavorid or name
  std::string image;                  // id or unique name
  std::vector<std::string> networks;  // ids or names
  std::string availability_zone;      // "", "zone", "zone:host", "zone:host:node"
  // For operators: only this one is looked at, and the filters judge it ("" = any).
  std::string requested_host, requested_node;
  std::map<std::string, std::string> metadata;
  std::string user_data;
  bool config_drive = false;
  std::string key_name, public_key;
  std::string admin_password;
  std::string project_id, user_id;  // "default" if empty
  Hints hints;
};

struct CreateRequest {
  std::string request_id;  // the client's, 1-64 of [A-Za-z0-9._-]
  InstanceTemplate instance;
  std::int64_t count = 1;  // 0 means 1
};

struct InstanceFilter {
  std::string project_id, host, name, flavor, image_id;  // "" = any
  std::optional<model::VmState> vm_state;
  bool deleted = false;  // only deleted ones
};

// page_size 0 means 100, at most 1000; the token comes from the page before, "" = the first.
// PAGE_TOKEN_INVALID for any other token.
struct PageRequest {
  std::int64_t page_size = 0;
  std::string page_token;
};
template <class T>
struct Page {
  std::vector<T> items;
  std::string next_page_token;  // "" on the last
};

struct FlavorSet {
  std::string hash;                    // as agent.proto says under FlavorSync
  std::vector<model::Flavor> flavors;  // ordered by flavorid
};

// ---- what an agent's session says
struct HostHello {
  std::string agent_version;
  std::string journal_id;
  model::HostReport report;  // report.host names the host
  std::vector<model::HostInstance> instances;
};
struct StaleInstance {
  Uuid uuid;
  std::int64_t generation = 0;  // up to and with this one
};
struct HostWelcome {
  Uuid session;
  std::chrono::milliseconds lease{};
  std::vector<StaleInstance> stale;
  std::int64_t last_seq = 0;
};
struct HostUpdate {
  model::HostReport report;
  std::vector<model::HostInstance> instances;
  std::map<std::string, std::int64_t> counters;
};

class Conductor {
 public:
  // Loads everything and rebuilds the engine's claims exactly. Hosts are down until their agents
  // come. All references must outlive the conductor.
  static Expected<std::unique_ptr<Conductor>> Open(Store& store, Engine& engine,
                                                   const MessageEncoder& encoder,
                                                   const Clock& clock,
                                                   const ConductorOptions& options = {});
  ~Conductor();

  // ---- instances. Errors as instance.proto names them.
  Expected<std::vector<InstancePtr>> CreateInstances(const CreateRequest& request);
  // By uuid, or by name if exactly one live instance has it. Deleted ones are found by uuid.
  Expected<InstancePtr> GetInstance(const std::string& instance) const;
  Expected<Page<InstancePtr>> ListInstances(const InstanceFilter& filter,
                                            const PageRequest& page) const;
  // `request_id`: "" makes one.
  Expected<InstancePtr> DeleteInstance(const std::string& instance, const std::string& request_id);
  Expected<InstancePtr> StartInstance(const std::string& instance, const std::string& request_id);
  Expected<InstancePtr> StopInstance(const std::string& instance, const std::string& request_id);
  Expected<InstancePtr> RebootInstance(const std::string& instance, model::RebootType type,
                                       const std::string& request_id);
  WatchSource& watch();

  // ---- placement, nothing changed
  Expected<Explanation> Explain(const InstanceTemplate& instance, std::size_t most_hosts) const;
  // The explanation kept with a request that found no host; NOT_FOUND when there is none.
  Expected<Explanation> ExplainInstance(const std::string& instance) const;
  // Of one flavor, or of all that are not disabled when the template names none; its image may be
  // left out.
  struct FlavorRoom {
    std::string flavorid, name;
    Room room;
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> zones;  // count and hosts
  };
  Expected<std::vector<FlavorRoom>> WhatFits(const InstanceTemplate& instance) const;
  Expected<PlaceResult> DryRun(const InstanceTemplate& instance, std::int64_t count) const;

  // ---- flavors
  Expected<model::Flavor> CreateFlavor(model::Flavor flavor);
  Expected<model::Flavor> GetFlavor(const std::string& flavor) const;
  Expected<Page<model::Flavor>> ListFlavors(const PageRequest& page) const;
  Expected<model::Flavor> UpdateFlavor(const std::string& flavor, model::ExtraSpecs extra_specs,
                                       std::string description);
  Status DeleteFlavor(const std::string& flavor);
  FlavorSet Flavors() const;
  // Called after each change of the set, on the committing thread; quick. One listener; set it
  // before serving.
  void OnFlavorsChanged(std::function<void()> listener);

  // ---- images
  Expected<ImageRecord> RegisterImage(model::ImageSource image);  // id may be empty
  Expected<ImageRecord> GetImage(const std::string& image) const;
  Expected<Page<ImageRecord>> ListImages(const PageRequest& page) const;
  Status DeleteImage(const std::string& image);

  // ---- networks
  Expected<NetworkRecord> CreateNetwork(NetworkRecord network);  // id may be empty, mtu 0
  Expected<NetworkRecord> GetNetwork(const std::string& network) const;
  Expected<Page<NetworkRecord>> ListNetworks(const PageRequest& page) const;
  Status DeleteNetwork(const std::string& network);

  // ---- hosts, for operators
  Expected<HostView> GetHost(const std::string& host) const;
  Expected<Page<HostView>> ListHosts(const PageRequest& page) const;
  Expected<HostView> EnableHost(const std::string& host);
  Expected<HostView> DisableHost(const std::string& host, const std::string& reason);

  // ---- aggregates and zones, for operators; an aggregate by id or name. Errors as
  // aggregate.proto names them.
  Expected<AggregateRecord> CreateAggregate(const std::string& name, const std::string& zone);
  Expected<AggregateRecord> GetAggregate(const std::string& aggregate) const;
  Expected<Page<AggregateRecord>> ListAggregates(const PageRequest& page) const;
  // "" leaves the name or the zone as it is.
  Expected<AggregateRecord> UpdateAggregate(const std::string& aggregate, const std::string& name,
                                            const std::string& zone);
  Status DeleteAggregate(const std::string& aggregate);
  Expected<AggregateRecord> AddHostToAggregate(const std::string& aggregate,
                                               const std::string& host);
  Expected<AggregateRecord> RemoveHostFromAggregate(const std::string& aggregate,
                                                    const std::string& host);
  // nullopt removes the key.
  using MetadataChange = std::map<std::string, std::optional<std::string>>;
  Expected<AggregateRecord> SetAggregateMetadata(const std::string& aggregate,
                                                 const MetadataChange& change);
  Expected<Page<ZoneView>> ListZones(const PageRequest& page) const;

  // ---- sharing providers, for operators; by name. Errors as resource_provider.proto says.
  Expected<SharingProviderView> CreateSharingProvider(const SharingProviderRecord& provider,
                                                      const std::vector<std::string>& aggregates);
  Expected<SharingProviderView> GetSharingProvider(const std::string& name) const;
  Expected<Page<SharingProviderView>> ListSharingProviders(const PageRequest& page) const;
  Status DeleteSharingProvider(const std::string& name);

  // ---- server groups; by uuid, or by a name only one has. Errors as server_group.proto says.
  Expected<ServerGroupView> CreateServerGroup(ServerGroupRecord group);
  Expected<ServerGroupView> GetServerGroup(const std::string& group) const;
  Expected<Page<ServerGroupView>> ListServerGroups(const std::string& project_id,
                                                   const PageRequest& page) const;
  Status DeleteServerGroup(const std::string& group);

  // ---- agents. A session is known by the uuid of its Welcome; once a newer one of the same host
  // has taken over or the lease ran out, calls with the old one are refused with
  // FAILED_PRECONDITION and its stream should be ended.
  Expected<HostWelcome> HostUp(const HostHello& hello);
  Status HostReported(const Uuid& session, const HostUpdate& update);
  Status HostHeartbeat(const Uuid& session, const std::map<std::string, std::int64_t>& counters);
  void SessionEnded(const Uuid& session);  // host down at once
  // Applies a run of reports in order of seq and answers, once durable, the highest seq that is:
  // acknowledge that. Pass all that have arrived, they share one transaction.
  Expected<std::int64_t> HandleStateReports(const Uuid& session,
                                            std::span<const model::StateReport> reports);
  // See agent.proto.
  Status ConfirmStart(const std::string& host, const Uuid& instance, std::int64_t generation);

  // ---- the relay's side
  Outbox& outbox();

  // Ends leases that ran out, sends later what waits for its host, forgets what is too old. Call it
  // about every second.
  void Tick();
  // Wakes watchers and the relay for good. Call before the adapters go.
  void Stop();

 private:
  class Impl;
  explicit Conductor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kilonova::scheduler::core
