// SPDX-License-Identifier: Apache-2.0
// Every recorded weighing of Nova's weighers: value by value, the final order, and the refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>

#include "scheduler/core/scoring.h"
#include "scheduler/weighers/weighers.h"
#include "tests/unit/scheduler/core/vectors.h"

namespace kilonova::scheduler::weighers {
namespace {

using core::testing::Json;
using core::testing::NumberFrom;
using core::testing::Same;

class WeigherCase {
 public:
  WeigherCase(const Json& file, const Json& vector) : vector_(vector) {
    for (const auto& host : vector.at("hosts")) {
      hosts_.push_back(
          fleet_.Upsert(core::testing::HostFrom(file, host, vector.at("config"))).value());
    }
    request_ = core::testing::RequestFrom(file, vector.at("spec"));
  }

  void Check() {
    const auto weighers = MakeWeighers(vector_.at("enabled").get<std::vector<std::string>>(),
                                       core::testing::WeigherOptionsFrom(vector_.at("config")))
                              .value();
    core::Scorer scorer(weighers);
    const Json& want = vector_.at("result");
    const Status status = scorer.Check(fleet_, hosts_);
    // A host that is alone is not weighed, whatever its weigher alone would say.
    ASSERT_EQ(status.ok(), hosts_.size() == 1 || !want.contains("error")) << status;
    if (want.contains("error")) return;
    const auto details = scorer.Details(fleet_, request_, hosts_);
    for (std::size_t w = 0; w < weighers.size() && hosts_.size() > 1; ++w) {
      const std::string name(weighers[w]->Name());
      const Json& values = want.at("weighers").at(name);
      Compare(name + " raw", details[w].raw, values.at("raw"));
      Compare(name + " normalized", details[w].normalized, values.at("normalized"));
      Compare(name + " multiplier", details[w].multiplier, values.at("multiplier"));
    }
    CheckOrder(scorer, want);
  }

 private:
  void CheckOrder(core::Scorer& scorer, const Json& want) {
    const auto totals = scorer.Totals(fleet_, request_, hosts_);
    if (std::ranges::any_of(totals, [](double total) { return std::isnan(total); })) return;
    Json order = Json::array();
    for (const auto host : core::BestOf(hosts_, totals, hosts_.size())) {
      order.push_back(fleet_.Record(host).host);
    }
    EXPECT_EQ(order, want.at("order"));
    std::vector<double> sorted = totals;
    std::ranges::sort(sorted, std::greater<>());
    Compare("weights", sorted, want.at("weights"));
  }

  static void Compare(const std::string& what, const std::vector<double>& got, const Json& want) {
    ASSERT_EQ(got.size(), want.size()) << what;
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_TRUE(Same(got[i], NumberFrom(want[i])))
          << what << " of host " << i << ": got " << got[i] << ", Nova has " << want[i];
    }
  }

  const Json& vector_;
  core::Fleet fleet_;
  std::vector<core::HostIndex> hosts_;
  core::PlacementRequest request_;
};

TEST(WeigherVectors, AllWeighersWeighAsNova) {
  const Json file = core::testing::LoadVectors("weighers.json");
  const auto known = KnownWeighers();
  std::map<std::string, int> weighed;
  for (const auto& vector : file.at("vectors")) {
    for (const std::string name : vector.at("enabled")) {
      ASSERT_NE(std::ranges::find(known, name), known.end()) << "unknown weigher " << name;
      ++weighed[name];
    }
    SCOPED_TRACE(vector.at("id").get<std::string>() + " " + vector.at("config").dump());
    WeigherCase(file, vector).Check();
  }
  const auto defaults = DefaultWeighers();
  EXPECT_EQ(Json(defaults), file.at("all_weighers_order"));
  for (const auto& name : defaults) EXPECT_GT(weighed[name], 0) << name;
  const auto weighers = MakeWeighers(defaults, {}).value();
  for (const auto& weigher : weighers) {
    const std::string name(weigher->Name());
    EXPECT_EQ(weigher->MultiplierKey(), file.at("multiplier_aggregate_key").at(name)) << name;
    const Json& minimum = file.at("minval").at(name);
    EXPECT_EQ(weigher->Minimum().has_value(), minimum.is_number()) << name;
  }
  for (const auto& [name, count] : weighed) std::cout << name << ": " << count << "\n";
}

}  // namespace
}  // namespace kilonova::scheduler::weighers
