// SPDX-License-Identifier: Apache-2.0
// Fleets and requests to measure the engine with. Everything follows from a seed.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "scheduler/core/engine.h"

namespace kilonova::scheduler::bench {

enum class Kind {
  kAlike,     // one kind of host, empty
  kHalfFull,  // one kind of host, half full of what came at random
  kMixed,     // five kinds of hosts, three zones, eight flavors, half full
  kDistinct,  // no two hosts alike: every size drawn at random, what has much of one has little of
              // the others
};

std::unique_ptr<core::Engine> MakeEngine(bool full_scan = false);
// With NUMATopologyFilter, too.
std::unique_ptr<core::Engine> NumaEngine();

// Two cells of 16 CPUs; of those `free` are free, the last of the second cell.
hardware::HostNumaTopology TwoCells(hardware::CpuId free);
// Four pinned CPUs and 8 GiB of one cell.
hardware::InstanceNumaTopology FourPinned();

class Cloud {
 public:
  Cloud(core::Engine& engine, Kind kind, std::int64_t hosts);

  // Claims until hosts are half full in memory; loaded as facts, at random hosts.
  void Fill();
  core::PlacementRequest Request();
  std::vector<core::PlacementRequest> Requests(std::size_t count);
  core::HostState Host(std::int64_t number);
  model::Flavor Flavor();
  const std::vector<Uuid>& claims() const { return claims_; }
  std::mt19937_64& random() { return random_; }

 private:
  std::int64_t Size(std::int64_t number) const;

  core::Engine& engine_;
  Kind kind_;
  std::int64_t hosts_;
  std::mt19937_64 random_{20261125};
  std::vector<Uuid> claims_;
};

}  // namespace kilonova::scheduler::bench
