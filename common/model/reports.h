// SPDX-License-Identifier: Apache-2.0
// What a compute host says of itself and of its instances; the other direction of requests.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/model/resources.h"
#include "common/model/states.h"

namespace kilonova::model {

// Why something failed, fit to be shown to the instance's owner.
struct Fault {
  std::string reason;   // a name of common/base/reason.h
  std::string message;  // safe text
  // True when another host might succeed where this one failed (disk full, libvirt down), false
  // when the request itself is at fault (unsafe image).
  bool retryable = false;
  friend bool operator==(const Fault&, const Fault&) = default;
};

struct StepTiming {
  std::string step;  // "image", "define", "start"...
  std::chrono::microseconds took{};
  friend bool operator==(const StepTiming&, const StepTiming&) = default;
};

enum class Outcome {
  kProgress,  // the operation goes on; task_state says where it is
  kDone,      // the operation ended well (DELETED: the instance is gone from the host)
  kFailed,    // it ended with `fault`; after a failed build nothing is left on the host
  kObserved,  // no operation: libvirt says the guest stopped, crashed, or runs again
};

// One change of one instance. Sent at least once, in order of seq; applied by the scheduler only if
// the generation is current and seq is news.
struct StateReport {
  std::int64_t seq = 0;  // per journal, 1 and up, no gaps
  Uuid instance_uuid;
  std::int64_t generation = 0;
  std::string request_id;  // of the operation; "" for kObserved
  std::string operation;   // "build", "terminate", "start", "stop", "reboot"; "" for kObserved
  Outcome outcome = Outcome::kProgress;
  VmState vm_state = VmState::kBuilding;
  TaskState task_state = TaskState::kNone;
  PowerState power_state = PowerState::kNoState;
  std::optional<Fault> fault;
  std::optional<WallTime> launched_at;  // set once the guest first ran
  std::vector<StepTiming> timings;      // with the last report of a build
  WallTime at{};
  friend bool operator==(const StateReport&, const StateReport&) = default;
};

// An instance the host has, for the full set a session begins with.
struct HostInstance {
  Uuid uuid;
  std::int64_t generation = 0;
  PowerState power_state = PowerState::kNoState;
  bool building = false;  // still in the journal
  std::int64_t id = 0;    // number in the cloud; 0 = not said
  // What the cloud's networks gave it: network and address. Empty = not said.
  std::vector<std::pair<Uuid, std::string>> addresses{};
};

// PCI devices that are alike, as Nova counts them.
struct PciPool {
  std::string vendor_id, product_id;  // four hexadecimal digits each
  std::int64_t numa_node = -1;        // -1 = none known
  std::int64_t count = 0;             // free now
  std::map<std::string, std::string> tags;
  friend bool operator==(const PciPool&, const PciPool&) = default;
};

// A part of a host that Placement counts by itself: a GPU, a NUMA node, a NIC.
struct NestedProvider {
  std::string name;    // unique on its host
  std::string parent;  // the provider it is nested in; "" = the host
  Inventories inventories;
  std::vector<std::string> traits;
  friend bool operator==(const NestedProvider&, const NestedProvider&) = default;
};

// One of a host's NUMA cells, as Nova's NUMACell has it; common/hardware/reported.h checks it and
// turns it into what guests are fitted to. CPU sets are Nova's text ("0-3,6").
struct HostNumaPages {
  std::int64_t size_kb = 0, total = 0, used = 0, reserved = 0;  // KiB; pages
  friend bool operator==(const HostNumaPages&, const HostNumaPages&) = default;
};

struct HostNumaCell {
  std::int64_t id = 0;
  std::string cpuset, pcpuset;  // for shared and for pinned guests
  std::int64_t memory_mb = 0;   // MiB
  std::int64_t cpu_usage = 0, memory_usage_mb = 0;
  std::string pinned_cpus;
  std::vector<std::string> siblings;  // the threads of each core
  std::vector<HostNumaPages> pages;
  std::optional<std::int64_t> socket;
  friend bool operator==(const HostNumaCell&, const HostNumaCell&) = default;
};

// What a host is and has. Placement inventories are derived by the agent from libvirt and its
// configuration (reserved_host_*, *_allocation_ratio).
struct HostReport {
  std::string host;                     // service host, names the queue
  std::string hypervisor_hostname;      // Nova's node
  std::string hypervisor_type;          // "QEMU"
  std::int64_t hypervisor_version = 0;  // a * 1000000 + b * 1000 + c
  std::int64_t libvirt_version = 0;     // same form
  std::string virt_type;                // "kvm" or "qemu"
  std::string cpu_arch;                 // "x86_64"
  std::string cpu_model;                // "Skylake-Server-IBRS"
  std::string cpu_vendor;
  std::string cpu_info;             // Nova's JSON: {"arch","model","vendor","topology","features"}
  std::vector<std::string> traits;  // "HW_CPU_X86_AVX2"
  std::vector<std::vector<std::string>> supported_instances;  // [arch, hv_type, vm_mode]
  Inventories inventories;
  std::int64_t running_instances = 0;
  std::int64_t free_disk_gb = 0;  // GiB free on the instances' file system now
  std::int64_t free_memory_mb = 0;
  std::string availability_zone;  // configured on the agent; "" = the cloud's default
  // Usage is that of the instances the agent holds now. Empty: libvirt reports no cells.
  std::vector<HostNumaCell> numa_cells;
  std::vector<std::string> degraded;  // reasons the host takes no new instances; empty = healthy
  std::map<std::string, std::string> stats{};  // Nova's, as filters may compare them
  std::vector<PciPool> pci_pools;
  std::vector<NestedProvider> nested;  // parents before their children
};

}  // namespace kilonova::model
