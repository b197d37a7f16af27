// SPDX-License-Identifier: Apache-2.0
// Every recorded weighing of Nova's weighers that are served here: alone with the final order, and
// within larger sets value by value.
#include <gtest/gtest.h>

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
  WeigherCase(const Json& file, const Json& vector) : file_(file), vector_(vector) {
    for (const auto& host : vector.at("hosts")) {
      hosts_.push_back(
          fleet_.Upsert(core::testing::HostFrom(file, host, vector.at("config"))).value());
    }
    request_ = core::testing::RequestFrom(file, vector.at("spec"));
  }

  void CheckValues(const std::string& name) {
    const auto weighers = Make({name});
    core::Scorer scorer(weighers);
    const auto got = scorer.Details(fleet_, request_, hosts_).front();
    const Json& want = vector_.at("result").at("weighers").at(name);
    Compare(name + " raw", got.raw, want.at("raw"));
    Compare(name + " normalized", got.normalized, want.at("normalized"));
    Compare(name + " multiplier", got.multiplier, want.at("multiplier"));
  }

  void CheckOrder() {
    const auto weighers = Make(vector_.at("enabled").get<std::vector<std::string>>());
    core::Scorer scorer(weighers);
    const auto totals = scorer.Totals(fleet_, request_, hosts_);
    bool comparable = true;
    for (const double total : totals) comparable = comparable && !std::isnan(total);
    if (!comparable) return;
    Json order = Json::array();
    for (const auto host : core::BestOf(hosts_, totals, hosts_.size())) {
      order.push_back(fleet_.Record(host).host);
    }
    EXPECT_EQ(order, vector_.at("result").at("order"));
    std::vector<double> sorted = totals;
    std::ranges::sort(sorted, std::greater<>());
    Compare("weights", sorted, vector_.at("result").at("weights"));
  }

 private:
  std::vector<std::unique_ptr<core::Weigher>> Make(const std::vector<std::string>& names) const {
    WeigherOptions options;
    for (const auto& name : KnownWeighers()) {
      const std::string option = file_.at("multiplier_option").at(name);
      if (!vector_.at("config").contains(option)) continue;
      options.multipliers[option.substr(option.find('.') + 1)] =
          NumberFrom(vector_.at("config").at(option));
    }
    return MakeWeighers(names, options).value();
  }

  static void Compare(const std::string& what, const std::vector<double>& got, const Json& want) {
    ASSERT_EQ(got.size(), want.size()) << what;
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_TRUE(Same(got[i], NumberFrom(want[i])))
          << what << " of host " << i << ": got " << got[i] << ", Nova has " << want[i];
    }
  }

  const Json& file_;
  const Json& vector_;
  core::Fleet fleet_;
  std::vector<core::HostIndex> hosts_;
  core::PlacementRequest request_;
};

TEST(WeigherVectors, AllServedWeighersWeighAsNova) {
  const Json file = core::testing::LoadVectors("weighers.json");
  const auto known = KnownWeighers();
  std::map<std::string, int> values;
  int orders = 0;
  int not_served = 0;
  for (const auto& vector : file.at("vectors")) {
    SCOPED_TRACE(vector.at("id").get<std::string>());
    bool all = true;
    bool any = false;
    if (vector.at("result").contains("weighers") && vector.at("hosts").size() > 1) {
      for (const std::string name : vector.at("enabled")) {
        const bool served = std::ranges::find(known, name) != known.end();
        all = all && served;
        if (!served || !vector.at("result").at("weighers").contains(name)) continue;
        any = true;
        ++values[name];
        WeigherCase(file, vector).CheckValues(name);
      }
    } else {
      for (const std::string name : vector.at("enabled")) {
        all = all && std::ranges::find(known, name) != known.end();
      }
    }
    if (all && vector.at("result").contains("order")) {
      ++orders;
      WeigherCase(file, vector).CheckOrder();
    } else if (!any) {
      ++not_served;
    }
  }
  for (const auto& name : known) EXPECT_GT(values[name], 0) << name;
  EXPECT_GT(orders, 0);
  for (const auto& [name, count] : values) std::cout << name << " values: " << count << "\n";
  std::cout << "orders: " << orders << ", not served yet: " << not_served << "\n";
}

}  // namespace
}  // namespace kilonova::scheduler::weighers
