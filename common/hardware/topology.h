// SPDX-License-Identifier: Apache-2.0
// NUMA as Nova's objects have it: what a guest wants (InstanceNUMATopology), what a host has
// (NUMATopology), and the limits between them. Values only; memory is MiB, pages are KiB.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/hardware/cpu_set.h"

namespace kilonova::hardware {

enum class CpuPolicy : std::uint8_t { kNone, kShared, kDedicated, kMixed };
enum class CpuThreadPolicy : std::uint8_t { kNone, kPrefer, kIsolate, kRequire };
enum class EmulatorThreadsPolicy : std::uint8_t { kNone, kShare, kIsolate };

// Nova's words; "" for kNone. The readers take exactly those, and "" as kNone.
std::string_view ToText(CpuPolicy policy);
std::string_view ToText(CpuThreadPolicy policy);
std::string_view ToText(EmulatorThreadsPolicy policy);
std::optional<CpuPolicy> CpuPolicyFrom(std::string_view text);
std::optional<CpuThreadPolicy> CpuThreadPolicyFrom(std::string_view text);
std::optional<EmulatorThreadsPolicy> EmulatorThreadsPolicyFrom(std::string_view text);

struct CpuTopology {
  std::int64_t sockets = 0;
  std::int64_t cores = 0;
  std::int64_t threads = 0;

  friend bool operator==(const CpuTopology&, const CpuTopology&) = default;
};

// Wishes for a page size instead of one, as they stand in InstanceNumaCell::pagesize.
inline constexpr std::int64_t kPagesSmall = -1;
inline constexpr std::int64_t kPagesLarge = -2;
inline constexpr std::int64_t kPagesAny = -3;

struct InstanceNumaCell {
  std::int64_t id = 0;  // the guest's cell; once fitted, the host's
  CpuSet cpuset;        // guest CPUs that float over the host's shared ones
  CpuSet pcpuset;       // guest CPUs that get a host CPU each
  std::int64_t memory = 0;
  std::optional<std::int64_t> pagesize;  // KiB, or one of the wishes above
  CpuPolicy cpu_policy = CpuPolicy::kNone;
  CpuThreadPolicy cpu_thread_policy = CpuThreadPolicy::kNone;
  std::vector<std::pair<CpuId, CpuId>> cpu_pinning;  // guest CPU, host CPU; by guest CPU
  CpuSet cpuset_reserved;                            // host CPUs for the emulator threads
  std::optional<CpuTopology> cpu_topology;           // no longer used by Nova, only carried

  CpuSet TotalCpus() const { return cpuset | pcpuset; }
  CpuSet PinnedHostCpus() const;  // of cpu_pinning; cpuset_reserved is not among them

  friend bool operator==(const InstanceNumaCell&, const InstanceNumaCell&) = default;
};

struct InstanceNumaTopology {
  std::vector<InstanceNumaCell> cells;
  EmulatorThreadsPolicy emulator_threads_policy = EmulatorThreadsPolicy::kNone;

  // Forgets where it was fitted to: ids become -1, pinning and reserved CPUs go.
  void ClearHostPinning();

  friend bool operator==(const InstanceNumaTopology&, const InstanceNumaTopology&) = default;
};

struct HostPages {
  std::int64_t size_kb = 0;
  std::int64_t total = 0;  // pages
  std::int64_t used = 0;
  std::int64_t reserved = 0;

  std::int64_t FreeKb() const { return (total - used - reserved) * size_kb; }
  std::int64_t TotalKb() const { return total * size_kb; }

  friend bool operator==(const HostPages&, const HostPages&) = default;
};

// Which networks a host cell is near to, or a request needs.
struct NetworkMetadata {
  std::set<std::string> physnets;
  bool tunneled = false;

  friend bool operator==(const NetworkMetadata&, const NetworkMetadata&) = default;
};

struct HostNumaCell {
  std::int64_t id = 0;
  CpuSet cpuset;            // CPUs for shared guests
  CpuSet pcpuset;           // CPUs for dedicated guests
  std::int64_t memory = 0;  // MiB
  std::int64_t cpu_usage = 0;
  std::int64_t memory_usage = 0;
  CpuSet pinned_cpus;
  std::vector<CpuSet> siblings;  // the threads of each core, in the host's order
  std::vector<HostPages> mempages;
  std::optional<std::int64_t> socket;
  std::optional<NetworkMetadata> network_metadata;

  CpuSet FreePcpus() const { return pcpuset - pinned_cpus; }
  std::size_t FreePcpuCount() const { return pcpuset.Size() - pcpuset.CountCommon(pinned_cpus); }
  std::int64_t AvailMemory() const { return memory - memory_usage; }
  bool HasThreads() const;

  friend bool operator==(const HostNumaCell&, const HostNumaCell&) = default;
};

struct HostNumaTopology {
  std::vector<HostNumaCell> cells;

  bool HasThreads() const;

  friend bool operator==(const HostNumaTopology&, const HostNumaTopology&) = default;
};

// How far shared CPUs and memory may be overcommitted on one host cell, and the networks needed.
struct NumaLimits {
  double cpu_allocation_ratio = 1.0;
  double ram_allocation_ratio = 1.0;
  std::optional<NetworkMetadata> network_metadata;
};

}  // namespace kilonova::hardware
