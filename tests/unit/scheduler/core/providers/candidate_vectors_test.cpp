// SPDX-License-Identifier: Apache-2.0
// What real Placement found for random provider trees and queries (tests/interop/placement makes
// the file) is what we find.
#include <gtest/gtest.h>

#include <iostream>

#include "scheduler/core/providers/allocation_candidates.h"
#include "tests/unit/scheduler/core/vectors.h"

namespace kilonova::scheduler::core {
namespace {

using testing::Json;

TraitNames TraitsFrom(const Json& json) {
  const auto names = json.get<std::vector<std::string>>();
  return {names.begin(), names.end()};
}

Provider ProviderFrom(const Json& json) {
  Provider provider;
  provider.uuid = json.at("name");
  provider.parent = json.at("parent");
  for (const auto& [name, i] : json.at("inventories").items()) {
    provider.inventories[name] = {i.at("total"),    i.at("reserved"),  i.at("min_unit"),
                                  i.at("max_unit"), i.at("step_size"), i.at("allocation_ratio")};
  }
  provider.traits = TraitsFrom(json.at("traits"));
  provider.aggregates = json.at("aggregates").get<std::set<std::string>>();
  for (const auto& [name, amount] : json.at("used").items()) provider.used[name] = amount;
  return provider;
}

ResourceRequest RequestFrom(const Json& json) {
  ResourceRequest request;
  for (const auto& g : json.at("groups")) {
    RequestGroup& group = request.groups.emplace_back();
    group.suffix = g.at("suffix");
    for (const auto& [name, amount] : g.at("resources").items()) group.resources[name] = amount;
    group.required_traits = TraitsFrom(g.at("required"));
    group.forbidden_traits = TraitsFrom(g.at("forbidden"));
    for (const auto& any : g.at("any")) group.any_traits.push_back(TraitsFrom(any));
    group.aggregates = g.at("member_of");
    group.forbidden_aggregates = g.at("forbidden_aggregates").get<std::set<std::string>>();
    group.in_tree = g.at("in_tree");
  }
  request.group_policy = json.at("group_policy");
  request.level.root_required = TraitsFrom(json.at("root_required"));
  request.level.root_forbidden = TraitsFrom(json.at("root_forbidden"));
  request.level.same_subtree = json.at("same_subtree");
  return request;
}

Json JsonOf(const AllocationCandidate& candidate) {
  Json json = {{"allocations", Json::object()}, {"mappings", candidate.mappings}};
  for (const auto& [key, amount] : candidate.allocations) {
    json["allocations"][key.first][key.second] = amount;
  }
  return json;
}

Json Answer(const std::vector<Provider>& providers, const ResourceRequest& request) {
  if (!CheckCandidatesQuery(request).ok()) return {{"error", 400}};
  std::set<std::string> found;
  for (const auto& candidate : AllocationCandidates(providers, request, 0)) {
    found.insert(JsonOf(candidate).dump());
  }
  return {{"candidates", found}};
}

Json Sorted(const Json& result) {
  if (!result.contains("candidates")) return result;
  std::set<std::string> sorted;
  for (const auto& candidate : result.at("candidates")) sorted.insert(candidate.dump());
  return {{"candidates", sorted}};
}

TEST(CandidateVectors, AnswersArePlacements) {
  const Json file = testing::LoadVectors("allocation_candidates.json");
  int queries = 0;
  int candidates = 0;
  for (const auto& vector : file.at("vectors")) {
    std::vector<Provider> providers;
    for (const auto& provider : vector.at("providers")) {
      providers.push_back(ProviderFrom(provider));
    }
    int number = 0;
    for (const auto& query : vector.at("queries")) {
      const Json want = Sorted(query.at("result"));
      const Json have = Answer(providers, RequestFrom(query.at("request")));
      EXPECT_EQ(have.dump(2), want.dump(2))
          << vector.at("id").get<std::string>() << " query " << number << "\n"
          << query.at("request").dump();
      ++number;
      ++queries;
      candidates +=
          want.contains("candidates") ? static_cast<int>(want.at("candidates").size()) : 0;
    }
  }
  EXPECT_GT(candidates, 0);
  std::cout << "allocation candidates: " << queries << " queries, " << candidates
            << " candidates\n";
}

}  // namespace
}  // namespace kilonova::scheduler::core
