// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/host_numa_claims.h"

#include <utility>

#include "common/hardware/misfit.h"

namespace kilonova::hardware {
namespace {

// What of the instance this host can count at all: a running guest keeps its CPUs from others even
// where the books do not balance.
void CountByForce(HostNumaTopology& host, const InstanceNumaTopology& instance) {
  for (auto& cell : host.cells) {
    for (const auto& guest : instance.cells) {
      if (guest.id != cell.id) continue;
      cell.memory_usage += guest.memory;
      cell.cpu_usage += static_cast<std::int64_t>(guest.cpuset.Size());
      for (auto& pages : cell.mempages) {
        if (pages.size_kb > 0 && pages.size_kb == guest.pagesize) {
          pages.used += guest.memory * 1024 / pages.size_kb;
        }
      }
      CpuSet cpus = guest.PinnedHostCpus() | guest.cpuset_reserved;
      if (guest.cpu_thread_policy == CpuThreadPolicy::kIsolate) {
        for (const auto& core : cell.siblings) {
          if (core.Intersects(cpus)) cpus |= core;
        }
      }
      cell.pinned_cpus |= cpus & cell.pcpuset;
    }
  }
}

}  // namespace

HostNumaClaims::HostNumaClaims(HostNumaTopology host, CellOrder order)
    : empty_(host), host_(std::move(host)), order_(order) {}

Expected<InstanceNumaTopology> HostNumaClaims::Claim(const Uuid& instance, const Wanted& wanted) {
  if (const auto known = claims_.find(instance); known != claims_.end()) return known->second;
  const FitRequest request{.host = host_,
                           .instance = wanted.numa,
                           .limits = wanted.limits,
                           .pci_requests = wanted.pci_requests,
                           .pci_stats = wanted.pci_stats,
                           .order = order_};
  ASSIGN_OR_RETURN(auto fitted, FitInstanceSoundly(request));
  if (!fitted) {
    const Misfit misfit = ExplainMisfit(request);
    return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                 "the guest does not fit the host's NUMA cells",
                 {{"need", misfit.need}, {"have", misfit.have}});
  }
  ASSIGN_OR_RETURN(host_, UsageAfter(host_, *fitted, Usage::kTake));
  claims_.emplace(instance, *fitted);
  return *std::move(fitted);
}

Status HostNumaClaims::Adopt(const Uuid& instance, InstanceNumaTopology fitted) {
  Release(instance);
  const auto& claim = claims_[instance] = std::move(fitted);
  auto after = UsageAfter(host_, claim, Usage::kTake);
  if (after.ok()) {
    host_ = *std::move(after);
    return OkStatus();
  }
  CountByForce(host_, claim);
  strained_ = true;
  return std::move(after).status();
}

void HostNumaClaims::Release(const Uuid& instance) {
  const auto claim = claims_.find(instance);
  if (claim == claims_.end()) return;
  const InstanceNumaTopology fitted = std::move(claim->second);
  claims_.erase(claim);
  if (!strained_) {
    if (auto after = UsageAfter(host_, fitted, Usage::kFree); after.ok()) {
      host_ = *std::move(after);
      return;
    }
  }
  Recount();
}

void HostNumaClaims::SetHost(HostNumaTopology host) {
  empty_ = std::move(host);
  Recount();
}

void HostNumaClaims::Recount() {
  host_ = empty_;
  strained_ = false;
  for (const auto& [instance, claim] : claims_) {
    if (auto after = UsageAfter(host_, claim, Usage::kTake); after.ok()) {
      host_ = *std::move(after);
    } else {
      CountByForce(host_, claim);
      strained_ = true;
    }
  }
}

}  // namespace kilonova::hardware
