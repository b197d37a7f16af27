// SPDX-License-Identifier: Apache-2.0
// What the scheduler keeps: the rows of its store and, in memory, the same values. No SQL, no wire.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/model/flavor.h"
#include "common/model/reports.h"
#include "common/model/requests.h"
#include "common/model/resources.h"
#include "common/model/states.h"
#include "scheduler/core/host_hardware.h"
#include "scheduler/core/placement.h"

namespace kilonova::scheduler::core {

// One thing that went wrong, as the owner may read it.
struct FaultRecord {
  std::string reason;  // a name of common/base/reason.h
  std::string message;
  std::string host;  // "" = nowhere
  WallTime at{};
  friend bool operator==(const FaultRecord&, const FaultRecord&) = default;
};

struct InstanceRecord {
  // uuid, id, names, project, hostname, key, user_data, metadata, created_at... admin_password is
  // always empty here; availability_zone is what was asked for ("" = any), without ":host".
  model::InstanceSpec spec;
  // Shared and never changed: a thousand instances of one flavor hold one copy. Never null.
  std::shared_ptr<const model::Flavor> flavor;
  std::shared_ptr<const model::ImageSource> image;            // never null
  std::shared_ptr<const model::ImageSource> kernel, ramdisk;  // null = none
  std::vector<model::NicRequest> nics;
  Hints hints;              // as validated
  Uuid server_group;        // joined with the first claim; empty = none
  std::string forced_host;  // of "zone:host"

  model::VmState vm_state = model::VmState::kBuilding;
  model::TaskState task_state = model::TaskState::kScheduling;
  model::PowerState power_state = model::PowerState::kNoState;

  std::string host, node;         // where it is or is being built; "" while none
  std::string availability_zone;  // of that host; what was asked for while there is none
  Uuid claim_id;                  // empty = holds no claim
  std::int64_t generation = 0;    // how often it was placed
  // The generation whose start was permitted (ConfirmStart); that one is never placed elsewhere.
  std::int64_t started_generation = 0;
  std::vector<std::string> tried_hosts;  // of builds, in order, with the present one
  std::vector<HostRef> alternates;       // left to try

  std::optional<FaultRecord> fault;
  std::vector<FaultRecord> attempts;  // why earlier hosts did not do, oldest first
  // Why no host fitted, kept with the failed request; null = placed. Shared by its instances.
  std::shared_ptr<const Explanation> explanation;

  std::string request_id;         // "req-...": of the creation
  std::string action_request_id;  // "req-...": of the action under way
  WallTime updated_at{};
  std::optional<WallTime> launched_at;
  std::optional<WallTime> terminated_at;  // set exactly when vm_state is DELETED
  // Cursor of its last change: given by the store at commit, in the order of commits.
  std::int64_t revision = 0;

  bool deleted() const { return vm_state == model::VmState::kDeleted; }
  const Uuid& uuid() const { return spec.uuid; }
};

// Handed around read-only once committed; a change makes a new one.
using InstancePtr = std::shared_ptr<const InstanceRecord>;

// True when both say the same, looking through the shared parts; revision counts.
bool SameInstance(const InstanceRecord& a, const InstanceRecord& b);

// A MAC as a number; 0 for what is none.
std::uint64_t MacNumber(std::string_view mac);

// The right of an instance to a host's resources. One per instance at most.
struct ClaimRow {
  Uuid claim_id;
  Uuid instance;
  std::string host;
  std::int64_t generation = 0;
  model::Resources resources;
  // The NUMA cells and PCI devices taken, of hosts whose own report has them not yet.
  std::optional<HardwareUse> hardware{};
  friend bool operator==(const ClaimRow&, const ClaimRow&) = default;
};

// An accepted creation, by the id its client chose.
struct RequestRow {
  std::string request_id;
  std::string digest;  // SHA-256 of the canonical payload
  std::vector<Uuid> instances;
  WallTime created_at{};
  friend bool operator==(const RequestRow&, const RequestRow&) = default;
};

// A message that must reach its host's queue.
struct OutboxRow {
  std::int64_t id = 0;  // order of acceptance
  std::string host;     // routing key is "compute." + host
  Uuid instance;
  std::int64_t generation = 0;
  std::string method;     // "build_and_run_instance"...
  std::string unique_id;  // oslo's _unique_id: stays the same however often this row is sent
  std::string body;       // what is published
  WallTime created_at{};
  friend bool operator==(const OutboxRow&, const OutboxRow&) = default;
};

enum class AddressingKind { kIpam, kDhcp };

struct NetworkRecord {
  Uuid id;
  std::string name;
  model::NetworkKind kind = model::NetworkKind::kLibvirtNetwork;
  std::string source;  // the libvirt network's or the bridge's name
  std::int64_t mtu = 1500;
  AddressingKind addressing = AddressingKind::kIpam;
  std::string cidr, gateway, pool_start, pool_end;  // "" for DHCP; gateway "" = none
  std::vector<std::string> dns_servers;
  friend bool operator==(const NetworkRecord&, const NetworkRecord&) = default;
};

struct ImageRecord {
  model::ImageSource source;
  WallTime created_at{};
  friend bool operator==(const ImageRecord&, const ImageRecord&) = default;
};

// Hosts an operator put together; with the metadata availability_zone, a zone.
struct AggregateRecord {
  std::int64_t id = 0;
  Uuid uuid;
  std::string name;  // unique
  std::map<std::string, std::string> metadata;
  std::set<std::string> hosts;
  WallTime created_at{};
  std::optional<WallTime> updated_at;
  friend bool operator==(const AggregateRecord&, const AggregateRecord&) = default;
};

// Instances that keep together or apart. Its members are the live instances that name it.
struct ServerGroupRecord {
  Uuid id;
  std::string name;
  std::string policy;  // Nova's: affinity, anti-affinity, soft-affinity, soft-anti-affinity
  std::int64_t max_server_per_host = 0;  // with anti-affinity; 0 = not said, which means 1
  std::string project_id, user_id;
  WallTime created_at{};
  friend bool operator==(const ServerGroupRecord&, const ServerGroupRecord&) = default;
};

// A storage pool or the like that hosts of aggregates share (host_state.h).
struct SharingProviderRecord {
  std::string name;  // unique
  model::Inventories inventories;
  std::vector<std::string> traits;
  std::vector<Uuid> aggregates;
  WallTime created_at{};
  friend bool operator==(const SharingProviderRecord&, const SharingProviderRecord&) = default;
};

struct SharingProviderView {
  SharingProviderRecord record;
  model::Resources used;                // by claims
  std::vector<std::string> aggregates;  // names of those that are there, ordered
};

// An address that a guest uses which this database does not know: made after the backup that was
// restored. Never given while its host says so.
struct ReservedRow {
  std::string host;
  Uuid instance, network;
  std::string address;
  friend bool operator==(const ReservedRow&, const ReservedRow&) = default;
};

// What is durable of a host.
struct HostRow {
  std::string name;
  bool enabled = true;
  std::string disabled_reason;
  std::string agent_version;
  std::string journal_id;     // of its agent's journal
  std::int64_t last_seq = 0;  // highest StateReport.seq of that journal that is applied
  model::HostReport report;   // the last one that changed what the host is
  WallTime last_seen{};
};

// A host as an operator sees it.
struct HostView {
  HostRow row;  // report as of now
  bool up = false;
  model::Resources used;
  std::int64_t claimed_instances = 0;
  std::vector<std::string> aggregates;  // names, ordered
  std::map<std::string, std::int64_t> counters;
};

// A server group with those of its members that live.
struct ServerGroupView {
  ServerGroupRecord record;
  std::vector<Uuid> members;  // ordered
};

// The hosts that are in a zone, by whatever way.
struct ZoneView {
  struct Host {
    std::string name;
    bool up = false, enabled = false;
  };
  std::string name;
  bool available = false;     // a host of it is enabled, as Nova says it
  std::int64_t hosts_up = 0;  // up and enabled
  std::vector<Host> hosts;
};

}  // namespace kilonova::scheduler::core
