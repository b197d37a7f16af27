// SPDX-License-Identifier: Apache-2.0
// Several values of one key over a host's aggregates, of which one matches and one makes Nova
// raise: which comes first is, in Nova, up to a set.
#include <gtest/gtest.h>

#include "scheduler/core/fleet.h"
#include "scheduler/filters/filters.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Judgement;

Judgement Judge(const std::vector<std::string>& values, const std::string& wish) {
  core::HostState host;
  host.host = "h";
  for (const std::string& value : values) {
    core::Aggregate aggregate;
    aggregate.id = static_cast<std::int64_t>(host.aggregates.size()) + 1;
    aggregate.metadata["gen"] = value;
    host.aggregates.push_back(std::move(aggregate));
  }
  core::Fleet fleet;
  const core::HostIndex index = fleet.Upsert(host).value();
  core::PlacementRequest request;
  request.flavor.extra_specs["aggregate_instance_extra_specs:gen"] = wish;
  const auto filters = MakeFilters({"AggregateInstanceExtraSpecsFilter"}, {}).value();
  const auto prepared = filters.front()->Prepare(fleet, request);
  return prepared.ok() ? (*prepared)->Judge(fleet, index) : Judgement::kError;
}

TEST(AggregateValues, ComeInCodePointOrder) {
  for (const auto& values : {std::vector<std::string>{"4", "x"}, {"x", "4"}, {"x,4"}}) {
    EXPECT_EQ(Judge(values, "== 4"), Judgement::kPass) << "4 is before x";
  }
  for (const auto& values : {std::vector<std::string>{"4", "!"}, {"!", "4"}, {"4,!"}}) {
    EXPECT_EQ(Judge(values, "== 4"), Judgement::kError) << "! is before 4, and no number";
  }
  EXPECT_EQ(Judge({"5", "6"}, "== 4"), Judgement::kRefuse);
}

}  // namespace
}  // namespace kilonova::scheduler::filters
