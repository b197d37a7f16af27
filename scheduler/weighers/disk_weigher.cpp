// SPDX-License-Identifier: Apache-2.0
// DiskWeigher: the more free disk, the better.
#include "scheduler/core/fleet.h"
#include "scheduler/weighers/factories.h"

namespace kilonova::scheduler::weighers {
namespace {

class DiskWeigher : public core::Weigher {
 public:
  explicit DiskWeigher(double multiplier) : multiplier_(multiplier) {}
  std::string_view Name() const override { return "DiskWeigher"; }
  std::string_view MultiplierKey() const override { return "disk_weight_multiplier"; }
  double Multiplier() const override { return multiplier_; }
  core::WeigherScope Scope(const core::PlacementRequest& /*request*/) const override {
    return core::WeigherScope::kHostAlone;
  }
  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& /*request*/,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      raw[i] = static_cast<double>(fleet.Numbers(hosts[i]).free_disk_mb);
    }
  }

 private:
  double multiplier_;
};

}  // namespace

std::unique_ptr<core::Weigher> MakeDiskWeigher(double multiplier,
                                               const WeigherOptions& /*options*/) {
  return std::make_unique<DiskWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
