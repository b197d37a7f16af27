// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/host_limit.h"

#include "scheduler/filters/aggregate_metadata.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

class PreparedLimitFilter : public core::PreparedFilter {
 public:
  PreparedLimitFilter(const Fleet& fleet, const HostLimit& limit) : limit_(limit) {
    for (std::uint32_t id = 0; id < fleet.aggregate_lists.Size(); ++id) {
      const auto* aggregates = fleet.aggregate_lists.Find(id);
      const bool ask = aggregates != nullptr && !limit.metadata_key.empty();
      most_.push_back(ask ? LeastOf(*aggregates, std::string(limit.metadata_key), limit.most)
                          : limit.most);
    }
  }

  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    return fleet.Numbers(host).*limit_.number < most_[fleet.aggregates[host]] ? Judgement::kPass
                                                                              : Judgement::kRefuse;
  }

  bool MayRaise(const Fleet& /*fleet*/) const override { return false; }

  Status Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const override {
    core::KeepIf(hosts, [&](HostIndex host) { return Judge(fleet, host) == Judgement::kPass; });
    return OkStatus();
  }

  double Nearness(const Fleet& fleet, HostIndex host) const override {
    return static_cast<double>(most_[fleet.aggregates[host]]) -
           static_cast<double>(fleet.Numbers(host).*limit_.number);
  }

  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    const std::string what = " " + std::string(limit_.what);
    verdict.have = std::to_string(fleet.Numbers(host).*limit_.number) + what;
    verdict.need = "fewer than " + std::to_string(most_[fleet.aggregates[host]]) + what;
  }

 private:
  HostLimit limit_;
  std::vector<std::int64_t> most_;  // by aggregates id
};

class HostLimitFilter : public core::Filter {
 public:
  explicit HostLimitFilter(const HostLimit& limit) : limit_(limit) {}
  std::string_view Name() const override { return limit_.filter; }
  bool OncePerRequest() const override { return false; }
  core::HostParts Reads() const override { return core::kOwnPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& fleet, const core::PlacementRequest& /*request*/) const override {
    return std::make_unique<PreparedLimitFilter>(fleet, limit_);
  }

 private:
  HostLimit limit_;
};

}  // namespace

std::unique_ptr<core::Filter> MakeHostLimitFilter(const HostLimit& limit) {
  return std::make_unique<HostLimitFilter>(limit);
}

}  // namespace kilonova::scheduler::filters
