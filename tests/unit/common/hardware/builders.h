// SPDX-License-Identifier: Apache-2.0
// Hosts and guests for the tests of common/hardware.
#pragma once

#include "common/hardware/pci_stats.h"
#include "common/hardware/topology.h"

namespace kilonova::hardware::testing {

struct HostShape {
  int cells = 2;
  int cores = 8;  // per cell
  int threads = 2;
  std::int64_t memory = 16384;  // MiB per cell
  std::int64_t huge_pages = 0;  // of 2 MiB, per cell
  int cells_per_socket = 1;
};

// CPUs are numbered as Linux does: the second thread of core 0 comes behind all first threads.
inline HostNumaTopology MakeHost(const HostShape& shape) {
  HostNumaTopology host;
  const int all_cores = shape.cells * shape.cores;
  for (int number = 0; number < shape.cells; ++number) {
    HostNumaCell cell;
    cell.id = number;
    cell.socket = number / shape.cells_per_socket;
    cell.memory = shape.memory;
    for (int core = number * shape.cores; core < (number + 1) * shape.cores; ++core) {
      CpuSet threads;
      for (int thread = 0; thread < shape.threads; ++thread) threads.Add(thread * all_cores + core);
      cell.cpuset |= threads;
      cell.siblings.push_back(threads);
    }
    cell.pcpuset = cell.cpuset;
    cell.mempages.push_back({4, (shape.memory - 2 * shape.huge_pages) * 256, 0, 0});
    if (shape.huge_pages > 0) cell.mempages.push_back({2048, shape.huge_pages, 0, 0});
    host.cells.push_back(std::move(cell));
  }
  return host;
}

struct GuestShape {
  int cells = 1;
  int vcpus = 2;  // per cell
  CpuPolicy policy = CpuPolicy::kDedicated;
  CpuThreadPolicy threads = CpuThreadPolicy::kNone;
  std::int64_t memory = 1024;  // MiB per cell
  std::optional<std::int64_t> pagesize = {};
  EmulatorThreadsPolicy emulator_threads = EmulatorThreadsPolicy::kNone;
};

inline InstanceNumaTopology MakeGuest(const GuestShape& shape) {
  InstanceNumaTopology guest;
  guest.emulator_threads_policy = shape.emulator_threads;
  for (int number = 0; number < shape.cells; ++number) {
    InstanceNumaCell cell;
    cell.id = number;
    const CpuSet cpus = CpuSet::Range(number * shape.vcpus, (number + 1) * shape.vcpus - 1);
    if (shape.policy == CpuPolicy::kDedicated) cell.pcpuset = cpus;
    if (shape.policy == CpuPolicy::kMixed) cell.pcpuset.Add(number * shape.vcpus);
    cell.cpuset = cpus - cell.pcpuset;
    cell.memory = shape.memory;
    cell.pagesize = shape.pagesize;
    cell.cpu_policy = shape.policy;
    cell.cpu_thread_policy = shape.threads;
    guest.cells.push_back(std::move(cell));
  }
  return guest;
}

inline std::int64_t CountDevices(const PciStats& stats) {
  std::int64_t count = 0;
  for (const PciDevicePool& pool : stats.Pools()) count += pool.count;
  return count;
}

}  // namespace kilonova::hardware::testing
