// SPDX-License-Identifier: Apache-2.0
// ServerGroupAntiAffinityFilter: hosts with fewer members of the request's anti-affinity group than
// the group allows on one (rule max_server_per_host, 1 without it).
#include <algorithm>

#include "scheduler/core/fleet.h"
#include "scheduler/core/group_places.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

class PreparedAntiAffinityFilter : public core::PreparedFilter {
 public:
  PreparedAntiAffinityFilter(const Fleet& fleet, const core::PlacementRequest& request)
      : most_(request.instance_group->max_server_per_host.value_or(1)), places_(fleet, request) {}

  void Refresh(const Fleet& fleet) override { places_.Refresh(fleet); }

  // A host that runs the instance being placed may keep it.
  Judgement Judge(const Fleet& /*fleet*/, HostIndex host) const override {
    if (places_.On(host) < most_) return Judgement::kPass;
    return std::ranges::binary_search(places_.AtHome(), host) ? Judgement::kPass
                                                              : Judgement::kRefuse;
  }

  std::vector<HostIndex> Named() const override {
    std::vector<HostIndex> hosts;
    for (const auto& [host, members] : places_.Counts()) hosts.push_back(host);
    return hosts;
  }
  Judgement Others() const override { return most_ > 0 ? Judgement::kPass : Judgement::kRefuse; }

  double Nearness(const Fleet& /*fleet*/, HostIndex host) const override {
    return -static_cast<double>(places_.On(host));
  }

  void Describe(const Fleet& /*fleet*/, HostIndex host,
                core::FilterVerdict& verdict) const override {
    verdict.need = "fewer than " + std::to_string(most_) + " members of the group";
    verdict.have = std::to_string(places_.On(host)) + " members of the group";
  }

 private:
  std::int64_t most_;
  core::GroupPlaces places_;
};

class ServerGroupAntiAffinityFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "ServerGroupAntiAffinityFilter"; }
  bool OncePerRequest() const override { return false; }
  core::HostParts Reads() const override { return core::kPlacesPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& fleet, const core::PlacementRequest& request) const override {
    if (!request.instance_group || request.instance_group->policy != "anti-affinity") {
      return nullptr;
    }
    return std::make_unique<PreparedAntiAffinityFilter>(fleet, request);
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeServerGroupAntiAffinityFilter(const FilterOptions& /*options*/) {
  return std::make_unique<ServerGroupAntiAffinityFilter>();
}

}  // namespace kilonova::scheduler::filters
