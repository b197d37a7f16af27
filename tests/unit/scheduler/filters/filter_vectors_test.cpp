// SPDX-License-Identifier: Apache-2.0
// Every recorded decision of Nova's filters that are served here.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

#include "scheduler/core/selector.h"
#include "scheduler/filters/filters.h"
#include "tests/unit/scheduler/core/vectors.h"

namespace kilonova::scheduler::filters {
namespace {

using core::testing::Json;

struct Verdicts {
  std::vector<std::string> passes;
  std::set<std::string> errors;
  bool input_error = false;
};

std::unique_ptr<core::Filter> FilterFor(const Json& vector) {
  const Json& config = vector.at("config");
  FilterOptions options;
  options.default_availability_zone =
      core::testing::Option(config, "DEFAULT.default_availability_zone", "nova");
  options.image_properties_default_architecture =
      core::testing::Option(config, "filter_scheduler.image_properties_default_architecture", "");
  auto filters = MakeFilters({vector.at("filter").get<std::string>()}, options);
  EXPECT_TRUE(filters.ok()) << filters.status();
  return std::move(filters->front());
}

Verdicts Judge(const Json& file, const Json& vector) {
  core::Fleet fleet;
  std::vector<core::HostIndex> hosts;
  for (const auto& host : vector.at("hosts")) {
    hosts.push_back(fleet.Upsert(core::testing::HostFrom(file, host, vector.at("config"))).value());
  }
  core::Pipeline pipeline;
  pipeline.filters.push_back(FilterFor(vector));
  const auto request = core::testing::RequestFrom(file, vector.at("spec"));
  const auto prepared = core::Prepare(pipeline, fleet, request);
  Verdicts verdicts;
  if (!prepared.ok()) {
    EXPECT_EQ(prepared.status().code(), Code::kInvalidArgument);
    verdicts.input_error = true;
    return verdicts;
  }
  const auto& filter = prepared->stages.front().prepared;
  for (const auto host : hosts) {
    const auto judgement = filter ? filter->Judge(fleet, host) : core::Judgement::kPass;
    const std::string& name = fleet.Record(host).host;
    if (judgement == core::Judgement::kPass) verdicts.passes.push_back(name);
    if (judgement == core::Judgement::kError) verdicts.errors.insert(name);
    if (!filter) continue;
    core::FilterVerdict described;
    described.passed = judgement == core::Judgement::kPass;
    filter->Describe(fleet, host, described);
    EXPECT_EQ(described.need.empty() && judgement != core::Judgement::kPass, false);
  }
  // The column form must say what the judgement of each host says.
  if (filter && verdicts.errors.empty()) {
    std::vector<std::string> kept;
    EXPECT_TRUE(filter->Keep(fleet, hosts).ok());
    for (const auto host : hosts) kept.push_back(fleet.Record(host).host);
    EXPECT_EQ(kept, verdicts.passes);
  }
  return verdicts;
}

TEST(FilterVectors, AllServedFiltersDecideAsNova) {
  const Json file = core::testing::LoadVectors("filters.json");
  const auto known = KnownFilters();
  std::map<std::string, int> served;
  std::map<std::string, int> not_served;
  for (const auto& vector : file.at("vectors")) {
    const std::string name = vector.at("filter");
    if (std::ranges::find(known, name) == known.end()) {
      ++not_served[name];
      continue;
    }
    ++served[name];
    SCOPED_TRACE(vector.at("id").get<std::string>());
    const Json& want = vector.at("result");
    const Verdicts got = Judge(file, vector);
    EXPECT_EQ(got.input_error, want.contains("input_error"));
    if (want.contains("input_error")) continue;
    EXPECT_EQ(Json(got.passes), want.at("passes")) << vector.at("spec");
    std::set<std::string> errors;
    for (const auto& [host, exception] : want.at("errors").items()) errors.insert(host);
    EXPECT_EQ(got.errors, errors) << vector.at("spec");
  }
  for (const auto& name : known) {
    EXPECT_GT(served[name], 0) << name;
    const auto& header = file.at("filters").at(name);
    const auto filter = std::move(MakeFilters({name}, {})->front());
    EXPECT_EQ(filter->OncePerRequest(), header.at("run_once_per_request").get<bool>()) << name;
    EXPECT_EQ(filter->RunsOnRebuild(), header.at("run_on_rebuild").get<bool>()) << name;
  }
  for (const auto& [name, count] : served) std::cout << name << ": " << count << "\n";
  int skipped = 0;
  for (const auto& [name, count] : not_served) skipped += count;
  std::cout << "not served yet: " << skipped << "\n";
}

}  // namespace
}  // namespace kilonova::scheduler::filters
