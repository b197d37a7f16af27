// SPDX-License-Identifier: Apache-2.0
// RAMWeigher: the more free memory, the better.
#include "scheduler/core/fleet.h"
#include "scheduler/weighers/factories.h"

namespace kilonova::scheduler::weighers {
namespace {

class RamWeigher : public core::Weigher {
 public:
  explicit RamWeigher(double multiplier) : multiplier_(multiplier) {}
  std::string_view Name() const override { return "RAMWeigher"; }
  std::string_view MultiplierKey() const override { return "ram_weight_multiplier"; }
  double Multiplier() const override { return multiplier_; }
  core::WeigherScope Scope(const core::PlacementRequest& /*request*/) const override {
    return core::WeigherScope::kHostAlone;
  }
  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& /*request*/,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      raw[i] = static_cast<double>(fleet.Numbers(hosts[i]).free_ram_mb);
    }
  }

 private:
  double multiplier_;
};

}  // namespace

std::unique_ptr<core::Weigher> MakeRamWeigher(double multiplier,
                                              const WeigherOptions& /*options*/) {
  return std::make_unique<RamWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
