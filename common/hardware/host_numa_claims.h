// SPDX-License-Identifier: Apache-2.0
// One host's NUMA topology and who has what of it. The scheduler holds one per host it places on,
// the agent one for its own machine; neither shares it between threads without a lock.
//
//   HostNumaClaims claims(topology_of_the_machine);
//   for (const auto& [uuid, fitted] : recorded) claims.Adopt(uuid, fitted);  // after a restart
//   ASSIGN_OR_RETURN(const auto fitted, claims.Claim(uuid, {.numa = wanted, .limits = &limits}));
//   ...record `fitted` with the instance...
//   claims.Release(uuid);
#pragma once

#include <map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/hardware/fit.h"

namespace kilonova::hardware {

class HostNumaClaims {
 public:
  // `host`: the machine with no guest counted.
  explicit HostNumaClaims(HostNumaTopology host, CellOrder order = CellOrder::kSpread);

  struct Wanted {
    const InstanceNumaTopology& numa;
    const NumaLimits* limits = nullptr;
    const std::vector<PciRequest>* pci_requests = nullptr;
    const PciStats* pci_stats = nullptr;
  };

  // Fits the guest and counts it; the answer is where to. An instance that has a claim already gets
  // that one again, whatever it wants: asking twice changes nothing. RESOURCE_EXHAUSTED, reason
  // HOST_RESOURCES_EXHAUSTED, with details need and have (misfit.h) when it does not fit;
  // FAILED_PRECONDITION with nova_exception for a host that lacks what fitting needs (siblings,
  // page sizes). A refusal leaves all as it was.
  Expected<InstanceNumaTopology> Claim(const Uuid& instance, const Wanted& wanted);

  // Counts an instance that was fitted earlier: it is there, so it is never refused. FAILED_
  // PRECONDITION only says that it overlaps with others or with what the host no longer gives
  // away (a changed configuration); its CPUs are kept from others all the same. It replaces a
  // claim.
  Status Adopt(const Uuid& instance, InstanceNumaTopology fitted);

  void Release(const Uuid& instance);  // of one that has none: nothing

  // Another shape of the machine (hotplug, configuration), counted anew with every claim.
  void SetHost(HostNumaTopology host);

  const HostNumaTopology& Host() const { return host_; }  // with all claims counted
  const std::map<Uuid, InstanceNumaTopology>& Claims() const { return claims_; }

 private:
  void Recount();

  HostNumaTopology empty_;
  HostNumaTopology host_;
  CellOrder order_;
  std::map<Uuid, InstanceNumaTopology> claims_;
  bool strained_ = false;  // some claims overlap: only a recount can take one away
};

}  // namespace kilonova::hardware
