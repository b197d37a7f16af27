// SPDX-License-Identifier: Apache-2.0
// ServerGroupSoftAntiAffinityWeigher: the fewer members of the soft anti-affinity group, the
// better.
#include "scheduler/weighers/factories.h"
#include "scheduler/weighers/group_members.h"
#include "scheduler/weighers/multiplied_weigher.h"

namespace kilonova::scheduler::weighers {
namespace {

constexpr std::string_view kPolicy = "soft-anti-affinity";

class ServerGroupSoftAntiAffinityWeigher : public MultipliedWeigher {
 public:
  explicit ServerGroupSoftAntiAffinityWeigher(double multiplier)
      : MultipliedWeigher("ServerGroupSoftAntiAffinityWeigher",
                          "soft_anti_affinity_weight_multiplier", multiplier) {}
  core::WeigherScope Scope(const core::PlacementRequest& request) const override {
    return HasGroupOf(request, kPolicy) ? core::WeigherScope::kMembers : core::WeigherScope::kSame;
  }
  double PerMember() const override { return -1.0; }
  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& request,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    WeighMembers(fleet, request, kPolicy, PerMember(), hosts, raw);
  }
};

}  // namespace

std::unique_ptr<core::Weigher> MakeServerGroupSoftAntiAffinityWeigher(
    double multiplier, const WeigherOptions& /*options*/) {
  return std::make_unique<ServerGroupSoftAntiAffinityWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
