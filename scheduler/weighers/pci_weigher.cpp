// SPDX-License-Identifier: Apache-2.0
// PCIWeigher: the fewer free PCI devices the better, so that hosts full of them are kept for those
// who ask for many.
#include <algorithm>

#include "scheduler/core/fleet.h"
#include "scheduler/weighers/factories.h"
#include "scheduler/weighers/multiplied_weigher.h"

namespace kilonova::scheduler::weighers {
namespace {

constexpr std::int64_t kMostDevices = 100;  // hosts with more are all alike

class PciWeigher : public MultipliedWeigher {
 public:
  explicit PciWeigher(double multiplier)
      : MultipliedWeigher("PCIWeigher", "pci_weight_multiplier", multiplier) {}
  core::WeigherScope Scope(const core::PlacementRequest& /*request*/) const override {
    return core::WeigherScope::kHostAlone;
  }
  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& /*request*/,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      const std::int64_t free =
          std::min(fleet.Numbers(hosts[i]).free_pci_devices, kMostDevices - 1);
      raw[i] = static_cast<double>(kMostDevices - free);
    }
  }
};

}  // namespace

std::unique_ptr<core::Weigher> MakePciWeigher(double multiplier,
                                              const WeigherOptions& /*options*/) {
  return std::make_unique<PciWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
