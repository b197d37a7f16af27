// SPDX-License-Identifier: Apache-2.0
// BuildFailureWeigher: the fewer builds failed on the host lately, the better.
#include "scheduler/core/fleet.h"
#include "scheduler/weighers/factories.h"
#include "scheduler/weighers/multiplied_weigher.h"

namespace kilonova::scheduler::weighers {
namespace {

class BuildFailureWeigher : public MultipliedWeigher {
 public:
  explicit BuildFailureWeigher(double multiplier)
      : MultipliedWeigher("BuildFailureWeigher", "build_failure_weight_multiplier", multiplier) {}
  double MultiplierSign() const override { return -1.0; }
  core::WeigherScope Scope(const core::PlacementRequest& /*request*/) const override {
    return core::WeigherScope::kHostAlone;
  }
  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& /*request*/,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      raw[i] = static_cast<double>(fleet.Numbers(hosts[i]).failed_builds);
    }
  }
};

}  // namespace

std::unique_ptr<core::Weigher> MakeBuildFailureWeigher(double multiplier,
                                                       const WeigherOptions& /*options*/) {
  return std::make_unique<BuildFailureWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
