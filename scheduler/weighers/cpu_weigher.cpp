// SPDX-License-Identifier: Apache-2.0
// CPUWeigher: the more virtual CPUs left under the allocation ratio, the better.
#include "scheduler/core/fleet.h"
#include "scheduler/weighers/factories.h"

namespace kilonova::scheduler::weighers {
namespace {

class CpuWeigher : public core::Weigher {
 public:
  explicit CpuWeigher(double multiplier) : multiplier_(multiplier) {}
  std::string_view Name() const override { return "CPUWeigher"; }
  std::string_view MultiplierKey() const override { return "cpu_weight_multiplier"; }
  double Multiplier() const override { return multiplier_; }
  core::WeigherScope Scope(const core::PlacementRequest& /*request*/) const override {
    return core::WeigherScope::kHostAlone;
  }
  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& /*request*/,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      const core::HostIndex host = hosts[i];
      raw[i] = static_cast<double>(fleet.Numbers(host).vcpus_total) *
                   fleet.Numbers(host).cpu_allocation_ratio -
               static_cast<double>(fleet.Numbers(host).vcpus_used);
    }
  }

 private:
  double multiplier_;
};

}  // namespace

std::unique_ptr<core::Weigher> MakeCpuWeigher(double multiplier,
                                              const WeigherOptions& /*options*/) {
  return std::make_unique<CpuWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
