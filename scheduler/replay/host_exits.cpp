// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/host_exits.h"

#include <algorithm>

namespace kilonova::scheduler::replay {

void HostExits::Add(core::HostIndex host, std::uint32_t vm, const std::string* kind, double start) {
  Host& at = hosts_[host];
  at.vms.push_back({vm, kind, start});
  const double age = std::max(now_ - start, 0.0);
  at.exit = std::max(at.exit, now_ + lifetimes_.Remaining(*kind, age));
}

void HostExits::Remove(core::HostIndex host, std::uint32_t vm) {
  Host& at = hosts_[host];
  std::erase_if(at.vms, [vm](const Vm& v) { return v.id == vm; });
  at.made = -1e9;
}

double HostExits::ExitOf(core::HostIndex host) const {
  const Host& at = hosts_[host];
  if (now_ - at.made >= kMakeAgain) {
    at.exit = now_;
    for (const Vm& vm : at.vms) {
      const double age = std::max(now_ - vm.start, 0.0);
      at.exit = std::max(at.exit, now_ + lifetimes_.Remaining(*vm.kind, age));
    }
    at.made = now_;
  }
  return std::max(at.exit, now_);
}

double HostExits::ExpectedEnd(const std::string& kind) const {
  return now_ + lifetimes_.Remaining(kind, 0);
}

}  // namespace kilonova::scheduler::replay
