// SPDX-License-Identifier: Apache-2.0
// Whole decisions of Nova's scheduler manager: which hosts, which alternates, what is consumed.
#include <gtest/gtest.h>

#include <iostream>
#include <map>

#include "scheduler/core/selector.h"
#include "scheduler/filters/filters.h"
#include "scheduler/weighers/weighers.h"
#include "tests/unit/scheduler/core/vectors.h"

namespace kilonova::scheduler::core {
namespace {

using testing::Json;

constexpr std::int64_t kUnlimited = INT64_MAX;

class SelectCase {
 public:
  SelectCase(const Json& file, const Json& vector) : file_(file), vector_(vector) {}

  static bool Served(const Json& file, const Json& vector) {
    const auto all_in = [](const Json& names, const std::vector<std::string>& known) {
      return std::ranges::all_of(names, [&](const Json& name) {
        return std::ranges::find(known, name.get<std::string>()) != known.end();
      });
    };
    return all_in(FilterNames(file, vector), filters::KnownFilters()) &&
           all_in(file.at("weighers_order"), weighers::KnownWeighers());
  }

  void Check() {
    Load();
    const Pipeline pipeline = MakePipeline();
    Selector selector(pipeline);
    std::vector<HostIndex> hosts;
    for (const auto& host : vector_.at("hosts")) {
      hosts.push_back(*fleet_.Find(host.at("host").get<std::string>()));
    }
    const std::size_t attempts =
        testing::Option(vector_.at("config"), "scheduler.max_attempts", 3).get<std::size_t>();
    const bool alternates = vector_.at("return_alternates").get<bool>();
    const auto footprint = fleet_
                               .HoldFootprint(FootprintOf(request_.flavor, model::Resources{}),
                                              Fleet::NewClasses::kNone)
                               .value();
    const auto claim = [&](std::size_t instance, HostIndex host) {
      if (limits_[host] <= 0) return false;
      --limits_[host];
      fleet_.AddClaim(KeyOf(request_.instances[instance]), host, footprint, true);
      return true;
    };
    const auto picks = selector.Select(fleet_, request_, hosts, alternates ? attempts - 1 : 0,
                                       claim, [&](HostIndex host) { return !skipped_[host]; });
    ASSERT_TRUE(picks.ok()) << picks.status();
    Compare(*picks);
  }

 private:
  static Json FilterNames(const Json& file, const Json& vector) {
    return testing::Option(vector.at("config"), "filter_scheduler.enabled_filters",
                           file.at("default_enabled_filters"));
  }

  void Load() {
    for (const auto& host : vector_.at("hosts")) {
      const auto index =
          fleet_.Upsert(testing::HostFrom(file_, host, vector_.at("config"))).value();
      const Json limit =
          vector_.at("claim_limits").value(host.at("host").get<std::string>(), Json());
      skipped_.push_back(limit.is_string());
      limits_.push_back(limit.is_number() ? limit.get<std::int64_t>()
                                          : (limit.is_string() ? 0 : kUnlimited));
      ASSERT_EQ(index + 1, limits_.size());
    }
    request_ = testing::RequestFrom(file_, vector_.at("spec"));
    request_.instances.clear();
    for (const auto& uuid : vector_.at("instance_uuids")) {
      request_.instances.push_back(Uuid::Parse(uuid.get<std::string>()).value());
    }
  }

  Pipeline MakePipeline() const {
    Pipeline pipeline;
    pipeline.filters =
        filters::MakeFilters(FilterNames(file_, vector_).get<std::vector<std::string>>(), {})
            .value();
    weighers::WeigherOptions options;
    for (const auto& [key, value] : vector_.at("config").items()) {
      const std::string option = key.substr(key.find('.') + 1);
      if (option.ends_with("_weight_multiplier")) options.multipliers[option] = value.get<double>();
    }
    pipeline.weighers =
        weighers::MakeWeighers(file_.at("weighers_order").get<std::vector<std::string>>(), options)
            .value();
    return pipeline;
  }

  void Compare(const Picks& picks) const {
    const Json& want = vector_.at("result");
    EXPECT_EQ(picks.complete, !want.contains("error"));
    if (picks.complete && want.contains("selections")) {
      Json selections = Json::array();
      for (const auto& pick : picks.picks) {
        Json names = Json::array({fleet_.Record(pick.host).host});
        for (const auto host : pick.alternates) names.push_back(fleet_.Record(host).host);
        selections.push_back(names);
      }
      EXPECT_EQ(selections, want.at("selections"));
    }
    for (const auto& [name, after] : want.at("hosts_after").items()) {
      const HostIndex host = *fleet_.Find(name);
      EXPECT_EQ(fleet_.free_ram_mb[host], after.at("free_ram_mb").get<std::int64_t>()) << name;
      EXPECT_EQ(fleet_.free_disk_mb[host], after.at("free_disk_mb").get<std::int64_t>()) << name;
      EXPECT_EQ(fleet_.vcpus_used[host], after.at("vcpus_used").get<std::int64_t>()) << name;
      EXPECT_EQ(fleet_.num_instances[host], after.at("num_instances").get<std::int64_t>()) << name;
      EXPECT_EQ(fleet_.num_io_ops[host], after.at("num_io_ops").get<std::int64_t>()) << name;
    }
  }

  const Json& file_;
  const Json& vector_;
  Fleet fleet_;
  PlacementRequest request_;
  std::vector<std::int64_t> limits_;  // claims left, per host
  std::vector<bool> skipped_;         // hosts Placement did not offer
};

TEST(SelectVectors, WholeDecisionsAreNovas) {
  const Json file = testing::LoadVectors("select.json");
  int served = 0;
  int not_served = 0;
  for (const auto& vector : file.at("vectors")) {
    if (!SelectCase::Served(file, vector)) {
      ++not_served;
      continue;
    }
    SCOPED_TRACE(vector.at("id").get<std::string>());
    ++served;
    SelectCase(file, vector).Check();
  }
  EXPECT_GT(served + not_served, 0);
  std::cout << "whole decisions: " << served << ", not served yet: " << not_served << "\n";
}

}  // namespace
}  // namespace kilonova::scheduler::core
