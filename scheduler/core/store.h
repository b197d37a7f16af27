// SPDX-License-Identifier: Apache-2.0
// Where the scheduler's state survives. Implemented by scheduler/adapters/store on SQLite.
//
//   std::vector<Op> ops{PutInstance{record, password}, PutClaim{claim}, AddOutbox{row}};
//   store.Submit(std::move(ops), [](Expected<CommitInfo> done) { ... });
//
// A unit (the ops of one Submit) happens as a whole or not at all. One writer gathers the units
// that wait into one transaction and syncs once for all of them: with N callers a disk sync costs
// each of them 1/N. A unit that fails takes no other with it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "scheduler/core/host_kinds.h"
#include "scheduler/core/records.h"
#include "scheduler/core/uuid_key.h"

namespace kilonova::scheduler::core {

// Writes the record and gives it the next revision. `admin_password`: kept until the build ends,
// as another host may need it; nullopt leaves what is there, "" erases it.
struct PutInstance {
  InstancePtr record;
  std::optional<std::string> admin_password;
};
struct PutClaim {
  ClaimRow claim;  // replaces the instance's claim
};
struct DropClaim {
  Uuid instance;
};
struct PutRequest {
  RequestRow request;  // fails with ALREADY_EXISTS/REQUEST_ID_REUSED when the id is there
};
struct AddOutbox {
  OutboxRow row;
};
struct DropOutbox {
  std::int64_t id = 0;
};
// An address in use: at most one port per (network, address), or the unit fails with
// ALREADY_EXISTS.
struct AddAddress {
  Uuid network;
  std::string address;
  Uuid port;
  Uuid instance;
};
struct DropAddresses {
  Uuid instance;
};
// Writes what the host says of itself; of a host that is there, enabled and disabled_reason stay,
// and last_seq only grows while the journal is the same.
struct PutHost {
  HostRow host;
};
struct SetHostEnabled {
  std::string host;
  bool enabled = true;
  std::string reason;
};
// The last sequence number of the host's journal that was applied.
struct SetHostSeq {
  std::string host, journal_id;
  std::int64_t last_seq = 0;
};
struct PutFlavor {
  model::Flavor flavor;  // by id; unique flavorid and name
};
struct DropFlavor {
  std::string flavorid;
};
struct PutImage {
  ImageRecord image;
};
struct DropImage {
  Uuid id;
};
struct PutNetwork {
  NetworkRecord network;
};
struct DropNetwork {
  Uuid id;
};
// All but its hosts; by id, which must be a new one for a new aggregate. Unique name.
struct PutAggregate {
  AggregateRecord aggregate;
};
struct DropAggregate {
  std::int64_t id = 0;
};
struct AddAggregateHost {
  std::int64_t id = 0;
  std::string host;
};
struct DropAggregateHost {
  std::int64_t id = 0;
  std::string host;
};
struct PutServerGroup {
  ServerGroupRecord group;
};
struct DropServerGroup {
  Uuid id;
};
struct PutSharingProvider {
  SharingProviderRecord provider;  // by name
};
struct DropSharingProvider {
  std::string name;
};
// No instance gets this number or one below it any more.
struct RaiseInstanceId {
  std::int64_t id = 0;
};
struct PutReserved {
  ReservedRow row;  // by network and address
};
struct DropReserved {
  Uuid instance;
};
// Forgets deleted instances and requests from before `before`, at most `most` of each.
struct Prune {
  WallTime before{};
  std::size_t most = 1000;
};

using Op = std::variant<PutInstance, PutClaim, DropClaim, PutRequest, AddOutbox, DropOutbox,
                        AddAddress, DropAddresses, PutHost, SetHostEnabled, SetHostSeq, PutFlavor,
                        DropFlavor, PutImage, DropImage, PutNetwork, DropNetwork, PutAggregate,
                        DropAggregate, AddAggregateHost, DropAggregateHost, PutServerGroup,
                        DropServerGroup, PutSharingProvider, DropSharingProvider, RaiseInstanceId,
                        PutReserved, DropReserved, Prune>;

struct CommitInfo {
  std::vector<std::int64_t> revisions;  // one per PutInstance, in order
  std::int64_t pruned_through = 0;      // no change up to this revision can be told any more
  bool prune_again = false;             // `most` was reached: there may be more to forget
};

// Called on the writer's thread, in the order of commits, after the sync. Must be quick, must not
// throw and must not wait for another unit.
// The result is the callee's own: threads never share one.
using CommitCallback = std::function<void(Expected<CommitInfo>)>;

// What a start reads of a live instance; whole records are read later, one by one. Views and
// `hardware` last for the call they are handed over in; flavor, image and resources until the load
// ends, where equal pointers mean equal values.
struct PortRow {
  std::uint64_t mac = 0;  // MacNumber
  UuidKey network;
};
struct ClaimPart {
  UuidKey claim_id;
  std::string_view host;
  std::int64_t generation = 0;
  const model::Resources* resources = nullptr;  // not null
  const HardwareUse* hardware = nullptr;        // null = none
};
struct LiveRow {
  UuidKey uuid;
  std::int64_t id = 0, revision = 0, generation = 0, started_generation = 0;
  model::VmState vm_state{};
  model::TaskState task_state{};
  model::PowerState power_state{};
  std::string_view project_id, name, host, server_group;
  const model::Flavor* flavor = nullptr;      // not null
  const model::ImageSource* image = nullptr;  // not null
  std::span<const PortRow> ports;
  std::optional<ClaimPart> claim;
};

// What a start needs besides hosts, instances, addresses and requests. Bodies of outbox rows are
// left out: OutboxBody() reads them.
struct Snapshot {
  std::vector<model::Flavor> flavors;
  std::vector<ImageRecord> images;
  std::vector<NetworkRecord> networks;
  std::vector<AggregateRecord> aggregates;
  std::vector<ServerGroupRecord> server_groups;
  std::vector<SharingProviderRecord> sharing_providers;
  std::vector<ReservedRow> reserved;
  std::vector<OutboxRow> outbox;
  std::int64_t last_instance_id = 0;  // highest ever given
  std::int64_t last_flavor_id = 0;
  std::int64_t last_aggregate_id = 0;
  std::int64_t last_outbox_id = 0;
  std::int64_t last_revision = 0;
  std::int64_t pruned_through = 0;
  std::size_t instances = 0;  // about as many follow
};

// Takes what a start reads, in this order: a million rows are never held at once. The first error
// ends the load.
class LoadVisitor {
 public:
  virtual ~LoadVisitor() = default;
  virtual Status Begin(Snapshot all) = 0;
  // The row's report is without what `kind` has; hosts of one kind mostly have one pointer.
  virtual Status Host(HostRow row, const HostKindPtr& kind) = 0;
  virtual Status Live(std::span<const LiveRow> rows) = 0;  // some of them, not none
  virtual Status Address(const UuidKey& network, std::string_view address) = 0;
  virtual Status Request(std::string_view request_id, WallTime created_at) = 0;
};

struct DeletedQuery {
  std::string project_id, host, name, flavorid, image_id;  // "" = any
  std::int64_t before_id = INT64_MAX;                      // numeric instance id; newest first
  std::size_t most = 100;
};

class Store {
 public:
  virtual ~Store() = default;

  // Queues a unit and returns; blocks only while far too much is queued. After the store failed
  // for good (I/O error, corruption) every unit ends UNAVAILABLE.
  virtual void Submit(std::vector<Op> ops, CommitCallback done) = 0;
  // The same, waiting for the sync. Never from a CommitCallback.
  Expected<CommitInfo> Commit(std::vector<Op> ops);

  // Not OK once the store failed for good: only a restart of the process helps.
  virtual Status Health() const = 0;

  // Reads see what is committed. Thread-safe.
  virtual Status Load(LoadVisitor& to) = 0;
  // Live or deleted; INSTANCE_NOT_FOUND.
  virtual Expected<InstancePtr> Instance(const Uuid& uuid) = 0;
  // Those of these numbers that are there, live or deleted, in the order asked for.
  virtual Expected<std::vector<InstancePtr>> Instances(std::span<const std::int64_t> ids) = 0;
  virtual Expected<std::optional<RequestRow>> Request(const std::string& request_id) = 0;
  virtual Expected<InstancePtr> DeletedInstance(const Uuid& uuid) = 0;  // INSTANCE_NOT_FOUND
  virtual Expected<std::vector<InstancePtr>> DeletedInstances(const DeletedQuery& query) = 0;
  // Deleted ones with revision in (after, up_to], in order of revision: for a watcher that is late.
  virtual Expected<std::vector<InstancePtr>> DeletedSince(std::int64_t after, std::int64_t up_to,
                                                          std::size_t most) = 0;
  virtual Expected<std::string> OutboxBody(std::int64_t id) = 0;          // NOT_FOUND once sent
  virtual Expected<std::string> AdminPassword(const Uuid& instance) = 0;  // "" = none kept
};

}  // namespace kilonova::scheduler::core
