// SPDX-License-Identifier: Apache-2.0
// ServerGroupAntiAffinityFilter: hosts with fewer members of the request's anti-affinity group than
// the group allows on one (rule max_server_per_host, 1 without it).
#include <absl/container/flat_hash_map.h>

#include <algorithm>

#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

class PreparedAntiAffinityFilter : public core::PreparedFilter {
 public:
  PreparedAntiAffinityFilter(const Fleet& fleet, const core::PlacementRequest& request)
      : request_(request), most_(request.instance_group->max_server_per_host.value_or(1)) {
    PreparedAntiAffinityFilter::Refresh(fleet);
  }

  void Refresh(const Fleet& fleet) override {
    members_.clear();
    for (const HostIndex host : fleet.PlacesOf(request_.instance_group->members)) ++members_[host];
    at_home_.clear();
    if (request_.instances.empty()) return;
    // The instance being placed: the first of the request without a claim. A host that runs it
    // already may keep it.
    const auto placed = [&fleet](const Uuid& uuid) {
      return !uuid.empty() && fleet.FindClaim(core::KeyOf(uuid)) != nullptr;
    };
    const auto current = std::ranges::find_if_not(request_.instances, placed);
    at_home_ = fleet.PlacesOf(
        {current == request_.instances.end() ? request_.instances.back() : *current});
  }

  Judgement Judge(const Fleet& /*fleet*/, HostIndex host) const override {
    if (MembersOn(host) < most_) return Judgement::kPass;
    return std::ranges::binary_search(at_home_, host) ? Judgement::kPass : Judgement::kRefuse;
  }

  double Nearness(const Fleet& /*fleet*/, HostIndex host) const override {
    return -static_cast<double>(MembersOn(host));
  }

  void Describe(const Fleet& /*fleet*/, HostIndex host,
                core::FilterVerdict& verdict) const override {
    verdict.need = "fewer than " + std::to_string(most_) + " members of the group";
    verdict.have = std::to_string(MembersOn(host)) + " members of the group";
  }

 private:
  std::int64_t MembersOn(HostIndex host) const {
    const auto found = members_.find(host);
    return found == members_.end() ? 0 : found->second;
  }

  const core::PlacementRequest& request_;
  std::int64_t most_;
  absl::flat_hash_map<HostIndex, std::int64_t> members_;
  std::vector<HostIndex> at_home_;  // sorted
};

class ServerGroupAntiAffinityFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "ServerGroupAntiAffinityFilter"; }
  bool OncePerRequest() const override { return false; }
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
