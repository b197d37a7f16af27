// SPDX-License-Identifier: Apache-2.0
// HypervisorVersionWeigher, of Nova 2023.2: the newer the hypervisor, the better.
#include "scheduler/core/fleet.h"
#include "scheduler/weighers/factories.h"
#include "scheduler/weighers/multiplied_weigher.h"

namespace kilonova::scheduler::weighers {
namespace {

class HypervisorVersionWeigher : public MultipliedWeigher {
 public:
  explicit HypervisorVersionWeigher(double multiplier)
      : MultipliedWeigher("HypervisorVersionWeigher", "hypervisor_version_weight_multiplier",
                          multiplier) {}
  core::WeigherScope Scope(const core::PlacementRequest& /*request*/) const override {
    return core::WeigherScope::kHostAlone;
  }
  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& /*request*/,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      raw[i] = static_cast<double>(fleet.Record(hosts[i]).hypervisor_version);
    }
  }
};

}  // namespace

std::unique_ptr<core::Weigher> MakeHypervisorVersionWeigher(double multiplier,
                                                            const WeigherOptions& /*options*/) {
  return std::make_unique<HypervisorVersionWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
