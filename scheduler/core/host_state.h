// SPDX-License-Identifier: Apache-2.0
// What the engine is told of a host, and what it tells of one. The engine itself keeps hosts in
// columns (fleet.h); these records are how they go in and come out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/reason.h"
#include "common/hardware/pci_stats.h"
#include "common/hardware/topology.h"
#include "common/model/reports.h"
#include "common/model/resources.h"
#include "scheduler/core/host_kinds.h"

namespace kilonova::reason {
inline constexpr Reason kProviderNotFound{"PROVIDER_NOT_FOUND"};
inline constexpr Reason kProviderExists{"PROVIDER_EXISTS"};
}  // namespace kilonova::reason

namespace kilonova::scheduler::core {

struct Aggregate {
  std::int64_t id = 0;
  std::string name;
  std::map<std::string, std::string> metadata;
  std::string uuid{};  // what Placement knows it by
  friend bool operator==(const Aggregate&, const Aggregate&) = default;
};

using model::NestedProvider;
inline constexpr std::size_t kMostNestedProviders = 256;  // of one host

// What hosts of an aggregate share and is counted by itself: a storage pool. Placement's provider
// with the trait MISC_SHARES_VIA_AGGREGATE.
struct SharingProvider {
  std::string name;  // unique
  model::Inventories inventories;
  std::vector<std::string> traits;      // beside that one
  std::vector<std::string> aggregates;  // uuids: whose hosts it serves
  friend bool operator==(const SharingProvider&, const SharingProvider&) = default;
};

struct HostState {
  std::string host;  // service host, unique, names the queue
  std::string node;  // hypervisor hostname; "" = the same as host
  std::string uuid;  // of the compute node; may be ""
  std::string cell;  // cell uuid; alternates come from the cell of the chosen host

  // Used when the host is new. For a host already known UpsertHost keeps what SetHostUp and
  // SetHostEnabled said last.
  bool up = false;
  bool enabled = true;
  std::string disabled_reason;

  // Configured on the host itself; an aggregate's metadata "availability_zone" goes before it.
  std::string availability_zone;  // "" = the cloud's default
  std::vector<Aggregate> aggregates;

  model::Inventories inventories;
  std::vector<std::string> traits;
  std::vector<NestedProvider> nested;

  std::string hypervisor_type;          // "QEMU"
  std::int64_t hypervisor_version = 0;  // a * 1000000 + b * 1000 + c
  std::string host_ip;
  std::string cpu_info;                                       // Nova's JSON
  std::vector<std::vector<std::string>> supported_instances;  // [arch, hv_type, vm_mode]

  // When set, it says traits, cpu_info and supported_instances, which are left empty. One pointer
  // for all hosts of a kind spares copying and comparing what is most of a host.
  HostKindPtr kind{};

  // GiB free on the instances' file system as the host measured them, absent if it did not: never
  // more than this is free for the weigher, whatever the inventory says.
  std::optional<std::int64_t> disk_available_least;

  // Nova's stats. num_instances, io_workload and failed_builds count what the host had besides
  // the claims kept here; a host whose every instance is claimed here leaves them out.
  std::map<std::string, std::string> stats;

  // Nova's monitor metrics by name: "cpu.percent" and the other percentages of the CPU in percent,
  // "cpu.frequency" in MHz.
  std::map<std::string, double> metrics;

  // As the host reports them. Their usage counts as it is, and what claims hold comes on top, but
  // for the claims of `measured`: the host has those instances, so they are in its usage already.
  // A claim taken after the report counts on top until a later report measures it; one of them that
  // ends leaves the usage with the next report, not before.
  std::optional<hardware::HostNumaTopology> numa_topology;
  std::vector<hardware::PciDevicePool> pci_device_pools;
  std::vector<Uuid> measured;  // those without a claim here are passed over; snapshots leave it out

  // Instances there that hold no claim here (SameHost and DifferentHost look at them too).
  std::vector<Uuid> instances;
};

// A host as listed.
struct HostSnapshot {
  HostState state;        // as last reported, with up, enabled and reason as they are now
  model::Resources used;  // by claims, per class
  std::int64_t claimed_instances = 0;
};

}  // namespace kilonova::scheduler::core
