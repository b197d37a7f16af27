// SPDX-License-Identifier: Apache-2.0
// IoOpsWeigher: with its usual, negative multiplier, the fewer I/O operations under way the better.
#include "scheduler/core/fleet.h"
#include "scheduler/weighers/factories.h"
#include "scheduler/weighers/multiplied_weigher.h"

namespace kilonova::scheduler::weighers {
namespace {

class IoOpsWeigher : public MultipliedWeigher {
 public:
  explicit IoOpsWeigher(double multiplier)
      : MultipliedWeigher("IoOpsWeigher", "io_ops_weight_multiplier", multiplier) {}
  std::optional<double> Minimum() const override { return 0.0; }
  core::WeigherScope Scope(const core::PlacementRequest& /*request*/) const override {
    return core::WeigherScope::kHostAlone;
  }
  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& /*request*/,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      raw[i] = static_cast<double>(fleet.Numbers(hosts[i]).num_io_ops);
    }
  }
};

}  // namespace

std::unique_ptr<core::Weigher> MakeIoOpsWeigher(double multiplier,
                                                const WeigherOptions& /*options*/) {
  return std::make_unique<IoOpsWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
