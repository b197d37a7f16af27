// SPDX-License-Identifier: Apache-2.0
// DifferentHostFilter: hosts that run none of the instances named by the hint different_host.
#include <algorithm>

#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

class PreparedDifferentHostFilter : public core::PreparedFilter {
 public:
  explicit PreparedDifferentHostFilter(std::vector<HostIndex> hosts) : hosts_(std::move(hosts)) {}

  Judgement Judge(const Fleet& /*fleet*/, HostIndex host) const override {
    return !Runs(host) ? Judgement::kPass : Judgement::kRefuse;
  }

  std::vector<HostIndex> Named() const override { return hosts_; }
  Judgement Others() const override { return Judgement::kPass; }

  void Describe(const Fleet& /*fleet*/, HostIndex host,
                core::FilterVerdict& verdict) const override {
    verdict.need = "runs none of the named instances";
    verdict.have = Runs(host) ? "runs one of them" : "runs none of them";
  }

 private:
  bool Runs(HostIndex host) const { return std::ranges::binary_search(hosts_, host); }

  std::vector<HostIndex> hosts_;  // sorted; at most a few per instance named
};

class DifferentHostFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "DifferentHostFilter"; }
  core::HostParts Reads() const override { return core::kPlacesPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& fleet, const core::PlacementRequest& request) const override {
    const auto hint = request.hints.find("different_host");
    if (hint == request.hints.end() || hint->second.empty()) return nullptr;
    // Nova takes a list of one for the thing itself, and an empty thing for none.
    if (hint->second.size() == 1 && hint->second.front().empty()) return nullptr;
    return std::make_unique<PreparedDifferentHostFilter>(fleet.HostsOf(hint->second));
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeDifferentHostFilter(const FilterOptions& /*options*/) {
  return std::make_unique<DifferentHostFilter>();
}

}  // namespace kilonova::scheduler::filters
