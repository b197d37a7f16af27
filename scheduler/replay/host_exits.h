// SPDX-License-Identifier: Apache-2.0
// When each host is expected to be empty: the latest expected end of its VMs. Expectations change
// as VMs grow older than expected, so they are made again now and then.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/core/pipeline.h"
#include "scheduler/replay/lifetimes.h"

namespace kilonova::scheduler::replay {

class HostExits {
 public:
  HostExits(const Lifetimes& lifetimes, std::size_t hosts) : lifetimes_(lifetimes), hosts_(hosts) {}

  // All times are days on the trace's clock.
  void SetNow(double now) { now_ = now; }
  double now() const { return now_; }
  void Add(core::HostIndex host, std::uint32_t vm, const std::string* kind, double start);
  void Remove(core::HostIndex host, std::uint32_t vm);
  // Not before now; an empty host's is now.
  double ExitOf(core::HostIndex host) const;
  double ExpectedEnd(const std::string& kind) const;  // of a VM that starts now

 private:
  static constexpr double kMakeAgain = 1.0 / 24;  // days
  struct Vm {
    std::uint32_t id = 0;
    const std::string* kind = nullptr;
    double start = 0;
  };
  struct Host {
    std::vector<Vm> vms;
    mutable double exit = 0, made = -1e9;
  };
  const Lifetimes& lifetimes_;
  std::vector<Host> hosts_;
  double now_ = 0;
};

}  // namespace kilonova::scheduler::replay
