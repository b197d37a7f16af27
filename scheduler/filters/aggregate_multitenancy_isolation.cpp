// SPDX-License-Identifier: Apache-2.0
// AggregateMultiTenancyIsolation: a host of an aggregate with the metadata filter_tenant_id takes
// the projects named there and no others.
#include "scheduler/filters/aggregate_metadata.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

constexpr auto kKey = "filter_tenant_id";

class PreparedTenancyFilter : public PreparedAggregateFilter {
 public:
  PreparedTenancyFilter(const core::Fleet& fleet, const std::string& project)
      : PreparedAggregateFilter(fleet,
                                [&project](const Aggregates& aggregates) {
                                  const auto metadata = MetadataOf(aggregates);
                                  const auto projects = metadata.find(kKey);
                                  const bool passes = projects == metadata.end() ||
                                                      projects->second.contains(project);
                                  return passes ? core::Judgement::kPass : core::Judgement::kRefuse;
                                }),
        project_(project) {}

  void Describe(const core::Fleet& fleet, core::HostIndex host,
                core::FilterVerdict& verdict) const override {
    const auto metadata = MetadataOf(fleet.aggregate_lists[fleet.aggregates[host]]);
    const auto projects = metadata.find(kKey);
    verdict.need = "a host for project " + project_;
    verdict.have = "a host for " +
                   (projects == metadata.end() ? "all projects" : Listed(projects->second, "none"));
  }

 private:
  std::string project_;
};

class AggregateMultiTenancyIsolation : public core::Filter {
 public:
  std::string_view Name() const override { return "AggregateMultiTenancyIsolation"; }
  core::HostParts Reads() const override { return core::kAggregatesPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const core::Fleet& fleet, const core::PlacementRequest& request) const override {
    return std::make_unique<PreparedTenancyFilter>(fleet, request.project_id);
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeAggregateMultiTenancyIsolation(const FilterOptions& /*options*/) {
  return std::make_unique<AggregateMultiTenancyIsolation>();
}

}  // namespace kilonova::scheduler::filters
