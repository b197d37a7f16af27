// SPDX-License-Identifier: Apache-2.0
// Runs a workload through the production engine on a virtual clock: each VM is placed and claimed
// when it starts and released when it ends. One that is refused is not tried again.
//
//   ASSIGN_OR_RETURN(auto vms, ReadTrace(path));
//   ASSIGN_OR_RETURN(auto result, Replay(vms, {.hosts = FleetFor(PeakDemand(vms), host, 0.93)}));
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "scheduler/replay/trace.h"

namespace kilonova::scheduler::replay {

enum class Policy {
  kSpread,    // Nova's default weighers
  kBestFit,   // Nova's RAM and CPU weighers with multiplier -1
  kBalance,   // BalanceWeigher
  kLifetime,  // LifetimeWeigher, BalanceWeigher among equals; learns from this replay's past only
};
std::string_view NameOf(Policy policy);
Expected<Policy> ParsePolicy(std::string_view name);

struct HostSize {
  std::int64_t centicores = 9'600;                    // hundredths of a core; no overcommit
  std::int64_t memory_mb = std::int64_t{768} * 1024;  // MiB
};

struct ReplayOptions {
  HostSize host;
  std::int64_t hosts = 0;  // identical ones; 1 and up
  Policy policy = Policy::kSpread;
  // Averages are taken over these days of the trace, sampled every hour.
  double from_day = 3;
  double to_day = 14;
};

inline constexpr std::array<std::string_view, 4> kSizeClasses{"under 4", "4 to 7", "8 to 15",
                                                              "16 and more"};  // cores

struct ReplayResult {
  std::int64_t decisions = 0;  // placements asked for, refused ones too
  double seconds = 0;          // of wall-clock time spent in the engine for them
  std::int64_t refused = 0;
  double asked_centicores = 0, refused_centicores = 0;         // of VMs that start within the days
  std::array<double, kSizeClasses.size()> refused_by_class{};  // centicores
  // Averages. Shares are of 1.
  double empty_hosts = 0;
  double cpu_density = 0, memory_density = 0;  // used share of hosts that are not empty
  // Free on hosts that are not empty, and of no use as the other resource is short there, in the
  // proportion in which this workload asks for the two.
  double stranded_cores = 0, stranded_gb = 0;
  std::int64_t samples = 0;
};

// Hosts needed for `peak` to be `share` of what the fleet has, by the scarcer of the two resources.
std::int64_t FleetFor(const Demand& peak, const HostSize& host, double share);

// `vms` sorted by start, of at most 2^32 - 1. INVALID_ARGUMENT for options out of range.
Expected<ReplayResult> Replay(const std::vector<TraceVm>& vms, const ReplayOptions& options);

}  // namespace kilonova::scheduler::replay
