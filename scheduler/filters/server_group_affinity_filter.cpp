// SPDX-License-Identifier: Apache-2.0
// ServerGroupAffinityFilter: hosts that hold members of the request's affinity group; any host
// while none of them is placed.
#include <absl/container/flat_hash_set.h>

#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

class PreparedAffinityFilter : public core::PreparedFilter {
 public:
  PreparedAffinityFilter(const Fleet& fleet, const core::PlacementRequest& request)
      : request_(request) {
    const auto& hosts = request_.instance_group->hosts;
    anywhere_ = hosts.empty();
    for (const auto& name : hosts) {
      if (const auto host = fleet.Find(name)) hosts_.insert(*host);
    }
    PreparedAffinityFilter::Refresh(fleet);
  }

  // Those of this very request that are placed by now: they are, one after the other.
  void Refresh(const Fleet& fleet) override {
    for (; placed_ < request_.instances.size(); ++placed_) {
      const Uuid& uuid = request_.instances[placed_];
      const auto* claim = uuid.empty() ? nullptr : fleet.FindClaim(core::KeyOf(uuid));
      if (claim == nullptr) return;
      anywhere_ = false;
      hosts_.insert(claim->host);
    }
  }

  Judgement Judge(const Fleet& /*fleet*/, HostIndex host) const override {
    return anywhere_ || hosts_.contains(host) ? Judgement::kPass : Judgement::kRefuse;
  }

  std::vector<HostIndex> Named() const override { return {hosts_.begin(), hosts_.end()}; }
  Judgement Others() const override { return anywhere_ ? Judgement::kPass : Judgement::kRefuse; }

  Status Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const override {
    return anywhere_ ? OkStatus() : PreparedFilter::Keep(fleet, hosts);
  }

  void Describe(const Fleet& /*fleet*/, HostIndex host,
                core::FilterVerdict& verdict) const override {
    verdict.need = anywhere_ ? "any host, as no member of the group is placed"
                             : "a host that holds members of the group";
    verdict.have = hosts_.contains(host) ? "members of the group" : "no member of the group";
  }

 private:
  const core::PlacementRequest& request_;
  absl::flat_hash_set<HostIndex> hosts_;
  bool anywhere_ = true;
  std::size_t placed_ = 0;  // of the request's instances
};

class ServerGroupAffinityFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "ServerGroupAffinityFilter"; }
  bool OncePerRequest() const override { return false; }
  core::HostParts Reads() const override { return core::kPlacesPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& fleet, const core::PlacementRequest& request) const override {
    if (!request.instance_group || request.instance_group->policy != "affinity") return nullptr;
    return std::make_unique<PreparedAffinityFilter>(fleet, request);
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeServerGroupAffinityFilter(const FilterOptions& /*options*/) {
  return std::make_unique<ServerGroupAffinityFilter>();
}

}  // namespace kilonova::scheduler::filters
