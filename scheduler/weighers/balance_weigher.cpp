// SPDX-License-Identifier: Apache-2.0
// BalanceWeigher, which Nova does not have: packs, and packs so that CPUs and memory run out
// together. The less of both is left once the instance is there, and the more alike the two shares
// are, the better. Off unless enabled.
#include <cmath>

#include "scheduler/core/fleet.h"
#include "scheduler/weighers/factories.h"

namespace kilonova::scheduler::weighers {
namespace {

// Against what is left in all, how much an uneven rest counts.
constexpr double kUnevenness = 0.5;

// Of the capacity, what is left when `taken` of it is; 0 where there is none.
template <class Taken>
double LeftShare(const model::Inventories& inventories, std::string_view name, Taken taken) {
  const auto found = inventories.find(name);
  if (found == inventories.end()) return 0;
  const auto capacity = static_cast<double>(found->second.Capacity());
  return capacity > 0 ? 1 - static_cast<double>(taken(found->second)) / capacity : 0;
}

class BalanceWeigher : public core::Weigher {
 public:
  explicit BalanceWeigher(double multiplier) : multiplier_(multiplier) {}
  std::string_view Name() const override { return "BalanceWeigher"; }
  std::string_view MultiplierKey() const override { return "balance_weight_multiplier"; }
  double Multiplier() const override { return multiplier_; }
  std::optional<double> Minimum() const override { return std::nullopt; }

  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& request,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      const auto& inventories = fleet.Record(hosts[i]).inventories;
      const double cpu_left =
          LeftShare(inventories, model::kVcpu, [&](const model::Inventory& inventory) {
            return fleet.Numbers(hosts[i]).vcpus_used - inventory.reserved + request.flavor.vcpus;
          });
      const double memory_left =
          LeftShare(inventories, model::kMemoryMb, [&](const model::Inventory& inventory) {
            return inventory.total - inventory.reserved - fleet.Numbers(hosts[i]).free_ram_mb +
                   request.flavor.memory_mb;
          });
      raw[i] = -((cpu_left + memory_left) / 2 + kUnevenness * std::abs(cpu_left - memory_left));
    }
  }

 private:
  double multiplier_;
};

}  // namespace

std::unique_ptr<core::Weigher> MakeBalanceWeigher(double multiplier,
                                                  const WeigherOptions& /*options*/) {
  return std::make_unique<BalanceWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
