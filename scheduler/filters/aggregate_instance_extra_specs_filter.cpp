// SPDX-License-Identifier: Apache-2.0
// AggregateInstanceExtraSpecsFilter: hosts whose aggregates have, as metadata, what the flavor's
// extra specs ask for: "aggregate_instance_extra_specs:ssd" = "true" or, without a scope,
// "ssd" = "<or> true <or> yes". Other scopes belong to others and pass.
#include <algorithm>

#include "scheduler/filters/aggregate_metadata.h"
#include "scheduler/filters/extra_specs_ops.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Judgement;

struct Wish {
  std::string key;
  Requirement requirement;
};

// One of the aggregates' values must match. In Nova the order of the values, and with it whether a
// match comes before one that raises, is a set's; here they come in code point order.
Judgement JudgeOne(const std::map<std::string, std::set<std::string>>& metadata, const Wish& wish) {
  const auto values = metadata.find(wish.key);
  if (values == metadata.end()) return Judgement::kRefuse;
  for (const auto& value : values->second) {
    const auto answer = wish.requirement.Match(value);
    if (answer == Requirement::Answer::kYes) return Judgement::kPass;
    if (answer == Requirement::Answer::kError) return Judgement::kError;
  }
  return Judgement::kRefuse;
}

Judgement JudgeAll(const Aggregates& aggregates, const std::vector<Wish>& wishes) {
  const auto metadata = MetadataOf(aggregates);
  for (const auto& wish : wishes) {
    const Judgement judgement = JudgeOne(metadata, wish);
    if (judgement != Judgement::kPass) return judgement;
  }
  return Judgement::kPass;
}

class PreparedExtraSpecsFilter : public PreparedAggregateFilter {
 public:
  PreparedExtraSpecsFilter(const core::Fleet& fleet, std::vector<Wish> wishes)
      : PreparedAggregateFilter(
            fleet, [&wishes](const Aggregates& list) { return JudgeAll(list, wishes); }),
        wishes_(std::move(wishes)) {}

  // The first wish that is not met, or all of them.
  void Describe(const core::Fleet& fleet, core::HostIndex host,
                core::FilterVerdict& verdict) const override {
    const auto metadata = MetadataOf(fleet.aggregate_lists[fleet.aggregates[host]]);
    for (const auto& wish : wishes_) {
      const auto values = metadata.find(wish.key);
      const std::string have =
          wish.key + " " + (values == metadata.end() ? "(nothing)" : Listed(values->second, ""));
      const std::string need = wish.key + " " + wish.requirement.text();
      // Of a host that is refused: what of it does not do.
      if ((JudgeOne(metadata, wish) == Judgement::kPass) != verdict.passed) continue;
      verdict.have += (verdict.have.empty() ? "" : "; ") + have;
      verdict.need += (verdict.need.empty() ? "" : "; ") + need;
    }
  }

 private:
  std::vector<Wish> wishes_;  // in the order of the extra specs: an early refusal hides an error
};

class AggregateInstanceExtraSpecsFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "AggregateInstanceExtraSpecsFilter"; }
  core::HostParts Reads() const override { return core::kAggregatesPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const core::Fleet& fleet, const core::PlacementRequest& request) const override {
    std::vector<Wish> wishes;
    for (const auto& [key, value] : request.flavor.extra_specs) {
      const auto colon = key.find(':');
      const bool scoped = colon != std::string::npos;
      if (scoped && key.substr(0, colon) != "aggregate_instance_extra_specs") continue;
      wishes.push_back({scoped ? key.substr(colon + 1) : key, Requirement(value)});
    }
    if (wishes.empty()) return nullptr;
    return std::make_unique<PreparedExtraSpecsFilter>(fleet, std::move(wishes));
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeAggregateInstanceExtraSpecsFilter(
    const FilterOptions& /*options*/) {
  return std::make_unique<AggregateInstanceExtraSpecsFilter>();
}

}  // namespace kilonova::scheduler::filters
