// SPDX-License-Identifier: Apache-2.0
// NumInstancesWeigher, of Nova 2023.2: a negative multiplier spreads instances by their number, a
// positive one packs them.
#include "scheduler/core/fleet.h"
#include "scheduler/weighers/factories.h"
#include "scheduler/weighers/multiplied_weigher.h"

namespace kilonova::scheduler::weighers {
namespace {

class NumInstancesWeigher : public MultipliedWeigher {
 public:
  explicit NumInstancesWeigher(double multiplier)
      : MultipliedWeigher("NumInstancesWeigher", "num_instances_weight_multiplier", multiplier) {}
  core::WeigherScope Scope(const core::PlacementRequest& /*request*/) const override {
    return core::WeigherScope::kHostAlone;
  }
  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& /*request*/,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      raw[i] = static_cast<double>(fleet.Numbers(hosts[i]).num_instances);
    }
  }
};

}  // namespace

std::unique_ptr<core::Weigher> MakeNumInstancesWeigher(double multiplier,
                                                       const WeigherOptions& /*options*/) {
  return std::make_unique<NumInstancesWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
