// SPDX-License-Identifier: Apache-2.0
// The conductor inside. Rules that hold it together:
//  - What others see (live_, answered_, the watch) changes only after the commit, on the
//    store's thread, in the order of commits. What is merely taken (claims in the engine,
//    addresses, MACs, ids) is taken before and given back when the commit fails.
//  - One change of an instance at a time: InstanceLocks. So nothing is ever built upon a change
//    that is not durable yet.
//  - Lock order: mutex_, then the engine's or the outbox's or the hub's. None is held over I/O.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <functional>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "common/hardware/image_props.h"
#include "common/model/transitions.h"
#include "scheduler/core/conductor.h"
#include "scheduler/core/host_kinds.h"
#include "scheduler/core/host_zones.h"
#include "scheduler/core/ipam.h"
#include "scheduler/core/live_instances.h"
#include "scheduler/core/outbox_queue.h"
#include "scheduler/core/recent_instances.h"
#include "scheduler/core/validate.h"
#include "scheduler/core/watch_hub.h"

namespace kilonova::scheduler::core {

using MetadataChange = Conductor::MetadataChange;
using FlavorRoom = Conductor::FlavorRoom;
using MutableInstance = std::shared_ptr<InstanceRecord>;  // ours alone until committed

// One unit of the store and what goes with it.
struct Change {
  std::vector<Op> ops;
  std::vector<MutableInstance> records;           // those of ops' PutInstance, in order
  std::vector<std::function<void()>> on_commit;   // under mutex_, on the store's thread
  std::vector<std::function<void()>> on_failure;  // last first; caller's thread, no lock held

  void Put(MutableInstance record, std::optional<std::string> admin_password = std::nullopt) {
    ops.emplace_back(PutInstance{record, std::move(admin_password)});
    records.push_back(std::move(record));
  }
};

model::InstanceStates StatesOf(const InstanceRecord& record);
// False when the table has no such step from here: the cause is late or odd, and changes nothing.
bool Step(InstanceRecord& record, model::InstanceEvent event);

class Conductor::Impl {
 public:
  Impl(Store& store, Engine& engine, const MessageEncoder& encoder, const Clock& clock,
       const ConductorOptions& options);
  Status Load();

  // ---- conductor_create.cpp
  Expected<std::vector<InstancePtr>> CreateInstances(const CreateRequest& request);
  Expected<PlacementRequest> PlacementFor(const InstanceTemplate& instance, std::int64_t count);
  Expected<std::vector<FlavorRoom>> WhatFits(InstanceTemplate instance);  // conductor_fits.cpp
  // ---- conductor_sharing.cpp
  Expected<SharingProviderView> CreateSharingProvider(SharingProviderRecord provider,
                                                      const std::vector<std::string>& aggregates);
  Expected<SharingProviderView> GetSharingProvider(const std::string& name);
  Expected<Page<SharingProviderView>> ListSharingProviders(const PageRequest& page);
  Status DeleteSharingProvider(const std::string& name);
  Status ShareLoaded(SharingProviderRecord record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  SharingProviderView View(const SharingProviderRecord& record, const model::Resources& used)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How much of its room is in which zone.
  void AddZones(FlavorRoom& flavor);
  void CapAtQuota(const PlacementRequest& request, Room& room) const;
  // Adds what would have to be different to the explanation of a refusal.
  void AddRemedies(const PlacementRequest& request, Explanation& refusal);
  // ---- conductor_actions.cpp
  Expected<InstancePtr> Delete(const std::string& instance, const std::string& request_id);
  Expected<InstancePtr> Act(const std::string& instance, const std::string& request_id,
                            model::InstanceEvent event, const model::ActionRequest& action);
  Status ConfirmStart(const std::string& host, const Uuid& instance, std::int64_t generation);
  // ---- conductor_reports.cpp
  Expected<std::int64_t> HandleStateReports(const Uuid& session,
                                            std::span<const model::StateReport> reports);
  bool HandleReturned(const OutboxRow& row);
  // ---- conductor_sessions.cpp
  Expected<HostWelcome> HostUp(const HostHello& hello);
  Status HostReported(const Uuid& session, const HostUpdate& update);
  Status HostHeartbeat(const Uuid& session, const std::map<std::string, std::int64_t>& counters);
  void SessionEnded(const Uuid& session);
  // ---- conductor_hosts.cpp
  Expected<HostView> SetEnabled(const std::string& host, bool enabled, const std::string& reason);
  Expected<HostView> GetHost(const std::string& host);
  Expected<Page<HostView>> ListHosts(const PageRequest& page);
  void Tick();
  // ---- conductor_lists.cpp
  Expected<InstancePtr> GetInstance(const std::string& instance);
  Expected<Page<InstancePtr>> ListInstances(const InstanceFilter& filter, const PageRequest& page);
  std::vector<std::int64_t> LiveIds(const DeletedQuery& wanted,
                                    std::optional<model::VmState> state);
  LiveSince LiveAfter(std::int64_t revision, const WatchFilter& wanted);
  // ---- conductor_catalog.cpp
  Expected<model::Flavor> CreateFlavor(model::Flavor flavor);
  Expected<model::Flavor> UpdateFlavor(const std::string& flavor, model::ExtraSpecs extra_specs,
                                       std::string description);
  Status DeleteFlavor(const std::string& flavor);
  Expected<model::Flavor> GetFlavor(const std::string& flavor);
  Expected<Page<model::Flavor>> ListFlavors(const PageRequest& page);
  FlavorSet Flavors();
  Expected<ImageRecord> RegisterImage(model::ImageSource image);
  Expected<ImageRecord> GetImage(const std::string& image);
  Expected<Page<ImageRecord>> ListImages(const PageRequest& page);
  Status DeleteImage(const std::string& image);
  Expected<NetworkRecord> CreateNetwork(NetworkRecord network);
  Expected<NetworkRecord> GetNetwork(const std::string& network);
  Expected<Page<NetworkRecord>> ListNetworks(const PageRequest& page);
  Status DeleteNetwork(const std::string& network);
  // ---- conductor_aggregates.cpp
  Expected<AggregateRecord> CreateAggregate(const std::string& name, const std::string& zone);
  Expected<AggregateRecord> GetAggregate(const std::string& aggregate);
  Expected<Page<AggregateRecord>> ListAggregates(const PageRequest& page);
  Expected<AggregateRecord> UpdateAggregate(const std::string& aggregate, const std::string& name,
                                            const std::string& zone);
  Status DeleteAggregate(const std::string& aggregate);
  Expected<AggregateRecord> SetAggregateHost(const std::string& aggregate, const std::string& host,
                                             bool in);
  Expected<AggregateRecord> SetAggregateMetadata(const std::string& aggregate,
                                                 const MetadataChange& change);
  Expected<Page<ZoneView>> ListZones(const PageRequest& page);
  // ---- conductor_groups.cpp
  Expected<ServerGroupView> CreateServerGroup(ServerGroupRecord group);
  Expected<ServerGroupView> GetServerGroup(const std::string& group);
  Expected<Page<ServerGroupView>> ListServerGroups(const std::string& project_id,
                                                   const PageRequest& page);
  Status DeleteServerGroup(const std::string& group);
  // ---- conductor_hold.cpp
  void EndHold();

  Store& store_;
  Engine& engine_;
  const MessageEncoder& encoder_;
  const Clock& clock_;
  const ConductorOptions options_;
  OutboxQueue outbox_;
  WatchHub hub_;
  std::function<void()> flavors_changed_;

 private:
  struct Session {
    Uuid id;  // empty = down
    SteadyTime lease_until{};
    std::map<std::string, std::int64_t> counters;
  };
  struct Host {
    HostRow row;  // its report without what `kind` has
    HostKindPtr kind;
    Session session;
    // Whose NUMA and PCI usage is in row.report: the instances the host has begun. One that only
    // waits in its queue takes nothing there yet. Empty until the host reports.
    std::vector<Uuid> measured;
    bool up() const { return !session.id.empty(); }
  };
  struct Network {
    NetworkRecord record;
    AddressPool pool;
    std::int64_t ports = 0;  // those being created included
    bool leaving = false;    // its deletion is being written
  };
  struct ServerGroup {
    ServerGroupRecord record;
    // To the host each is on or is being placed on, "" = none. Those whose claim is not durable yet
    // are in it: the next decision must see them.
    std::map<Uuid, std::string> members;
  };
  // A task whose message seems lost; forgotten as soon as the instance changes.
  struct Suspect {
    SteadyTime due{};              // not sent again before
    std::chrono::seconds pause{};  // grows
  };
  // What a template names, looked up.
  struct Resolved {
    std::shared_ptr<const model::Flavor> flavor;
    std::shared_ptr<const model::ImageSource> image, kernel, ramdisk;
    std::vector<Uuid> networks;
    PlacementRequest placement;
    std::string zone;
    Uuid group;  // empty = none
  };

  // Holds the right to change some instances, all at once or none.
  class InstanceLocks {
   public:
    InstanceLocks(Impl& impl, std::set<Uuid> uuids);
    ~InstanceLocks();
    InstanceLocks(const InstanceLocks&) = delete;
    InstanceLocks& operator=(const InstanceLocks&) = delete;

   private:
    Impl& impl_;
    const std::set<Uuid> uuids_;
  };

  // One decision about the members of a group at a time: held from reading where they are until
  // the new one is among them. Nothing for an empty uuid.
  class GroupLock {
   public:
    GroupLock(Impl& impl, const Uuid& group);
    ~GroupLock();
    GroupLock(const GroupLock&) = delete;
    GroupLock& operator=(const GroupLock&) = delete;

   private:
    Impl& impl_;
    const Uuid group_;
  };

  // Submits and waits; on_commit or on_failure have run when it returns.
  Status Commit(Change change);
  void Committed(Change& change, const CommitInfo& info);
  static void Undo(Change& change);

  class Loader;
  // The whole record of a live instance; INSTANCE_NOT_FOUND, or what the store says.
  Expected<InstancePtr> Live(const Uuid& uuid);
  // Nothing when it is not live; any error is the store's.
  Expected<std::optional<InstancePtr>> FindLive(const Uuid& uuid);
  Expected<Uuid> ResolveInstance(const std::string& instance);
  // conductor_hold.cpp: creations that no host takes while hosts are still coming back.
  bool Gathering() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  std::uint64_t Arrivals();
  void Arrived(const std::string& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // True: a host came since `seen`, look again. HOST_DOWN when too many wait already.
  Expected<bool> HoldForHosts(std::uint64_t seen);

  // conductor_restored.cpp: guests this database does not know of.
  void ReserveUnknown(Change& change, const std::string& host,
                      const std::vector<model::HostInstance>& instances);
  Status WriteReserved(const std::string& host, const std::vector<model::HostInstance>& instances);

  // aggregates and groups
  Expected<AggregateRecord*> FindAggregate(const std::string& text)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Status CheckZoneOf(const AggregateRecord& aggregate, const std::string& zone,
                     const std::set<std::string>& hosts, bool instances_too)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<AggregateRecord> ChangeAggregate(Change change, AggregateRecord after);
  std::vector<Aggregate> AggregatesOf(const std::string& host)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // After every change of aggregates_.
  void RefreshAggregateMetadata() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether aggregates alone say which hosts are in it.
  bool ZoneIsAggregates(const std::string& zone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string ZoneOfHost(const Host& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<ServerGroup*> FindGroup(const std::string& text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static ServerGroupView View(const ServerGroup& group);
  // These with the group's lock held. `self` is a member that is to be placed anew, `joining` how
  // many will join it: QUOTA_EXCEEDED.
  Status FillGroup(PlacementRequest& request, const Uuid& group, const Uuid& self,
                   std::size_t joining);
  Status FillGroupLocked(PlacementRequest& request, const Uuid& group, const Uuid& self,
                         std::size_t joining) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void JoinGroup(const Uuid& group, const Uuid& instance, const std::string& host);
  void LeaveGroup(const Uuid& group, const Uuid& instance);

  bool HostIsUp(const std::string& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string ZoneOf(const std::string& host, const std::string& fallback);
  void Index(const InstancePtr& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReleasePorts(const InstanceRecord& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // creation; conductor_resolve.cpp
  Status CheckZoneAvailable(const Resolved& resolved) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<Resolved> Resolve(const InstanceTemplate& instance)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // conductor_placement.cpp. Fills in what the rest of `placement` asks of hosts' NUMA cells and of
  // Placement. INVALID_ARGUMENT for a flavor or an image that no host could ever serve, with Nova's
  // exception as detail nova_exception; NO_VALID_HOST for a project that may use no host.
  Expected<std::vector<hardware::PciRequest>> PciRequestsOf(
      const model::Flavor& flavor, const hardware::ImageProps& image) const;
  std::string DiskFormatOf(const std::string& image_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Status AskPlacement(const std::string& disk_format, PlacementRequest& placement)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Status CheckTraits(const ResourceRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Status ResolveImage(const std::string& name, Resolved& resolved)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<std::shared_ptr<const model::ImageSource>> KernelOf(const model::ImageSource& image,
                                                               const char* property)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<PlacementRequest> PlacementOf(const InstanceTemplate& instance)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<std::optional<RequestedDestination>> DestinationOf(const InstanceTemplate& t)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<std::string> ForcedHost(const ZoneRequest& zone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // conductor_create.cpp
  Expected<PlaceResult> Decide(Resolved& resolved, const std::vector<MutableInstance>& records);
  Expected<std::optional<std::vector<InstancePtr>>> Admit(const CreateRequest& request,
                                                          const std::string& digest);
  void Dismiss(const std::string& request_id);
  Expected<std::vector<InstancePtr>> CreateAdmitted(const CreateRequest& request,
                                                    const std::string& digest);
  std::vector<MutableInstance> NewRecords(const CreateRequest& request, const Resolved& resolved);
  void Refuse(const PlacementRequest& placement, Explanation refusal,
              const std::vector<MutableInstance>& records);
  Status AddPlaced(Change& change, const InstanceRecord& record, const model::Resources& resources,
                   const CreateRequest& request);
  // conductor_ports.cpp
  Status GivePorts(InstanceRecord& record, const std::vector<Uuid>& networks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string NewMac() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutOn(InstanceRecord& record, const HostRef& where, std::vector<HostRef> alternates);

  // messages
  Expected<std::vector<model::PciDeviceRequest>> PciRequestsOf(const InstanceRecord& record) const;
  Status AddBuild(Change& change, const InstanceRecord& record, const std::string& admin_password);
  Status AddAction(Change& change, const InstanceRecord& record, model::ActionRequest action);
  void AddOutboxRow(Change& change, OutboxRow row);

  // conductor_reschedule.cpp: builds that fail
  Status Reschedule(Change& change, InstanceRecord& record, FaultRecord fault, bool retryable);
  bool NextHost(Change& change, InstanceRecord& record);
  void GiveUp(Change& change, InstanceRecord& record, FaultRecord fault);
  void EraseLocally(Change& change, InstanceRecord& record);

  // reports
  void ApplyReport(Change& change, const std::string& host, const model::StateReport& report,
                   std::map<Uuid, InstancePtr>& working);
  bool ApplyBuild(Change& change, InstanceRecord& record, const model::StateReport& report,
                  std::optional<std::string>& admin_password);
  bool ApplyAction(Change& change, InstanceRecord& record, const model::StateReport& report);
  bool ApplyObserved(Change& change, InstanceRecord& record, const model::StateReport& report);

  // sessions
  Expected<std::string> RenewLease(const Uuid& session) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One pointer for equal kinds; its traits are known from now on.
  HostKindPtr Shared(HostKindPtr kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetRow(Host& host, HostRow row) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static HostRow WholeRow(const Host& host);
  Status TellEngine(const Host& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeDown(Host& host, std::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<std::vector<StaleInstance>> StaleOf(const std::string& host,
                                               const std::vector<model::HostInstance>& instances,
                                               bool journal_known);
  void SyncPowerStates(const std::string& host, const std::vector<model::HostInstance>& instances);
  // conductor_resend.cpp; the list is a Hello's, of a journal known or not, or a later report's.
  enum class ListOf { kKnownJournal, kNewJournal, kReport };
  void SendLostAgain(const std::string& host, const std::vector<model::HostInstance>& instances,
                     ListOf list);
  Status AddAgain(Change& change, const InstanceRecord& record, bool build,
                  const model::ActionRequest& action);
  HostView View(const Host& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const model::Flavor* FindFlavor(const std::string& text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Expected<const ImageRecord*> FindImage(const std::string& text)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Network* FindNetwork(const std::string& text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  static constexpr std::size_t kRecent = 4096;
  static std::uint64_t RequestHash(std::string_view request_id);
  static std::uint32_t SecondsOf(WallTime at);

  // One change of the catalogue at a time; held over the commit, by nobody else.
  class CatalogLock {
   public:
    explicit CatalogLock(Impl& impl);
    ~CatalogLock();
    CatalogLock(const CatalogLock&) = delete;
    CatalogLock& operator=(const CatalogLock&) = delete;

   private:
    Impl& impl_;
  };
  bool CatalogFree() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !catalog_busy_; }

  absl::Mutex mutex_;
  LiveInstances live_ ABSL_GUARDED_BY(mutex_);
  RecentInstances recent_ ABSL_GUARDED_BY(mutex_){kRecent};
  std::unordered_set<Uuid> busy_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<Uuid, Suspect> suspects_ ABSL_GUARDED_BY(mutex_);
  // Requests being accepted, by id, with their digest.
  std::unordered_map<std::string, std::string> admitted_ ABSL_GUARDED_BY(mutex_);
  // Requests the store may know, by the hash of their id: when they were accepted.
  absl::flat_hash_map<std::uint64_t, std::uint32_t> answered_ ABSL_GUARDED_BY(mutex_);
  HostKinds kinds_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Host> hosts_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<Uuid, std::string> sessions_ ABSL_GUARDED_BY(mutex_);  // to host
  std::map<std::string, std::shared_ptr<const model::Flavor>> flavors_ ABSL_GUARDED_BY(mutex_);
  std::map<Uuid, ImageRecord> images_ ABSL_GUARDED_BY(mutex_);
  std::map<Uuid, Network> networks_ ABSL_GUARDED_BY(mutex_);
  std::map<std::int64_t, AggregateRecord> aggregates_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::set<std::int64_t>> aggregates_of_ ABSL_GUARDED_BY(mutex_);
  std::vector<AggregateMetadata> aggregate_metadata_ ABSL_GUARDED_BY(mutex_);  // of all
  HostZones zones_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, SharingProviderRecord> sharing_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> traits_ ABSL_GUARDED_BY(mutex_);  // that any host ever had, while we ran
  std::map<Uuid, ServerGroup> groups_ ABSL_GUARDED_BY(mutex_);
  std::set<Uuid> busy_groups_ ABSL_GUARDED_BY(mutex_);
  // By host and instance: addresses in use there of which no instance here knows.
  using Reserved = std::vector<std::pair<Uuid, std::string>>;
  std::unordered_map<std::string, std::map<Uuid, Reserved>> reserved_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> awaited_hosts_ ABSL_GUARDED_BY(mutex_);  // up before, not back yet
  SteadyTime gather_until_ ABSL_GUARDED_BY(mutex_){};
  std::uint64_t arrivals_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t held_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_set<std::uint64_t> macs_ ABSL_GUARDED_BY(mutex_);
  bool catalog_busy_ ABSL_GUARDED_BY(mutex_) = false;
  std::int64_t last_instance_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t last_flavor_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t last_aggregate_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t last_outbox_id_ ABSL_GUARDED_BY(mutex_) = 0;
  SteadyTime next_prune_ ABSL_GUARDED_BY(mutex_){};
};

}  // namespace kilonova::scheduler::core
