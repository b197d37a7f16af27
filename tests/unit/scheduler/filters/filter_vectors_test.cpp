// SPDX-License-Identifier: Apache-2.0
// Every recorded decision of Nova's filters: each host judged alone, also where Nova raises.
#include <gtest/gtest.h>

#include <algorithm>
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
  std::set<std::string> passes, errors;
};

std::unique_ptr<core::Filter> FilterFor(const Json& vector) {
  auto filters = MakeFilters({vector.at("filter").get<std::string>()},
                             core::testing::FilterOptionsFrom(vector.at("config")));
  if (!filters.ok()) {
    ADD_FAILURE() << filters.status();
    return nullptr;
  }
  return std::move(filters->front());
}

// A refused host and an erring one must say what it lacks.
void CheckDescription(const core::PreparedFilter& filter, const core::Fleet& fleet,
                      core::HostIndex host, core::Judgement judgement) {
  core::FilterVerdict described;
  described.passed = judgement == core::Judgement::kPass;
  filter.Describe(fleet, host, described);
  if (described.passed) return;
  EXPECT_FALSE(described.need.empty()) << fleet.Record(host).host;
  EXPECT_FALSE(described.have.empty()) << fleet.Record(host).host;
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
    for (const auto host : hosts) verdicts.errors.insert(fleet.Record(host).host);
    return verdicts;
  }
  const auto& filter = prepared->stages.front().prepared;
  for (const auto host : hosts) {
    const auto judgement = filter ? filter->Judge(fleet, host) : core::Judgement::kPass;
    const std::string& name = fleet.Record(host).host;
    if (judgement == core::Judgement::kPass) verdicts.passes.insert(name);
    if (judgement == core::Judgement::kError) verdicts.errors.insert(name);
    if (filter) CheckDescription(*filter, fleet, host, judgement);
  }
  // The column form must say what the judgement of each host says.
  if (filter) {
    std::set<std::string> kept;
    const Status status = filter->Keep(fleet, hosts);
    EXPECT_EQ(status.ok(), verdicts.errors.empty());
    for (const auto host : hosts) kept.insert(fleet.Record(host).host);
    if (status.ok()) {
      EXPECT_EQ(kept, verdicts.passes);
    }
  }
  return verdicts;
}

std::string Diff(const std::set<std::string>& got, const std::set<std::string>& want) {
  std::string text;
  for (const auto& name : got) text += want.contains(name) ? "" : " +" + name;
  for (const auto& name : want) text += got.contains(name) ? "" : " -" + name;
  return text;
}

void Check(const Json& file, const Json& vector) {
  Verdicts got = Judge(file, vector);
  const Json& want = vector.at("result");
  const std::string what = vector.at("id").get<std::string>() + "\nconfig " +
                           vector.at("config").dump() + "\nspec " + vector.at("spec").dump() + "\n";
  if (want.contains("input_error")) {
    EXPECT_EQ(got.errors.size(), vector.at("hosts").size()) << what << "Nova cannot read this";
    return;
  }
  auto passes = want.at("passes").get<std::set<std::string>>();
  std::set<std::string> errors;
  for (const auto& [host, exception] : want.at("errors").items()) errors.insert(host);
  for (const std::string host : want.value("order_dependent_hosts", Json::array())) {
    for (auto* names : {&got.passes, &got.errors, &passes, &errors}) names->erase(host);
  }
  EXPECT_EQ(got.passes, passes) << what << "passes:" << Diff(got.passes, passes);
  EXPECT_EQ(got.errors, errors) << what << "errors:" << Diff(got.errors, errors);
}

TEST(FilterVectors, AllFiltersDecideAsNova) {
  const Json file = core::testing::LoadVectors("filters.json");
  const auto known = KnownFilters();
  std::map<std::string, int> judged;
  for (const auto& vector : file.at("vectors")) {
    const std::string name = vector.at("filter");
    ASSERT_NE(std::ranges::find(known, name), known.end()) << "unknown filter " << name;
    ++judged[name];
    Check(file, vector);
  }
  for (const auto& [name, header] : file.at("filters").items()) {
    EXPECT_GT(judged[name], 0) << name;
    const auto filters = MakeFilters({name}, {});
    ASSERT_TRUE(filters.ok()) << filters.status();
    EXPECT_EQ(filters->front()->OncePerRequest(), header.at("run_once_per_request").get<bool>())
        << name;
    EXPECT_EQ(filters->front()->RunsOnRebuild(), header.at("run_on_rebuild").get<bool>()) << name;
  }
  for (const auto& name : known) EXPECT_TRUE(file.at("filters").contains(name)) << name;
  for (const auto& [name, count] : judged) std::cout << name << ": " << count << "\n";
}

}  // namespace
}  // namespace kilonova::scheduler::filters
