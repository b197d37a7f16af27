// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/lifetime_weigher.h"

#include <cmath>

namespace kilonova::scheduler::replay {
namespace {

class LifetimeWeigher : public core::Weigher {
 public:
  LifetimeWeigher(const HostExits& exits, double multiplier)
      : exits_(exits), multiplier_(multiplier) {}
  std::string_view Name() const override { return "LifetimeWeigher"; }
  std::string_view MultiplierKey() const override { return "lifetime_weight_multiplier"; }
  double Multiplier() const override { return multiplier_; }
  std::optional<double> Minimum() const override { return std::nullopt; }
  void Weigh(const core::Fleet& /*fleet*/, const core::PlacementRequest& request,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    const double end = exits_.ExpectedEnd(request.flavor.flavorid);
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      const double prolonged_hours = std::max(end - exits_.ExitOf(hosts[i]), 0.0) * 24;
      // In doublings: an hour more on a host that goes in an hour matters, on one that stays a
      // month it does not.
      raw[i] = -std::floor(std::log2(1 + prolonged_hours));
    }
  }

 private:
  const HostExits& exits_;
  double multiplier_;
};

}  // namespace

std::unique_ptr<core::Weigher> MakeLifetimeWeigher(const HostExits& exits, double multiplier) {
  return std::make_unique<LifetimeWeigher>(exits, multiplier);
}

}  // namespace kilonova::scheduler::replay
