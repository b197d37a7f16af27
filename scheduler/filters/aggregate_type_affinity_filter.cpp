// SPDX-License-Identifier: Apache-2.0
// AggregateTypeAffinityFilter: a host of an aggregate with the metadata instance_type takes the
// flavors named there and no others.
#include <algorithm>

#include "common/base/python_text.h"
#include "scheduler/filters/aggregate_metadata.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

constexpr auto kKey = "instance_type";

core::Judgement JudgeTypes(const Aggregates& aggregates, const std::string& flavor) {
  const auto lists = ValuesOf(aggregates, kKey);
  const bool named = std::ranges::any_of(lists, [&](const std::string& list) {
    return std::ranges::any_of(PySplitComma(list),
                               [&](std::string_view name) { return PyStrip(name) == flavor; });
  });
  return named || lists.empty() ? core::Judgement::kPass : core::Judgement::kRefuse;
}

class PreparedTypeFilter : public PreparedAggregateFilter {
 public:
  PreparedTypeFilter(const core::Fleet& fleet, const std::string& flavor)
      : PreparedAggregateFilter(
            fleet, [&flavor](const Aggregates& list) { return JudgeTypes(list, flavor); }),
        flavor_(flavor) {}

  void Describe(const core::Fleet& fleet, core::HostIndex host,
                core::FilterVerdict& verdict) const override {
    verdict.need = "a host for flavor " + flavor_;
    verdict.have =
        "a host for " +
        Listed(ValuesOf(fleet.aggregate_lists[fleet.aggregates[host]], kKey), "all flavors");
  }

 private:
  std::string flavor_;
};

class AggregateTypeAffinityFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "AggregateTypeAffinityFilter"; }
  core::HostParts Reads() const override { return core::kAggregatesPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const core::Fleet& fleet, const core::PlacementRequest& request) const override {
    return std::make_unique<PreparedTypeFilter>(fleet, request.flavor.name);
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeAggregateTypeAffinityFilter(const FilterOptions& /*options*/) {
  return std::make_unique<AggregateTypeAffinityFilter>();
}

}  // namespace kilonova::scheduler::filters
