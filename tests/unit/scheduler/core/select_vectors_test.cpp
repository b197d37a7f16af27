// SPDX-License-Identifier: Apache-2.0
// Whole decisions of Nova's scheduler manager: which hosts, which alternates, what is consumed.
#include <gtest/gtest.h>

#include <iostream>
#include <set>

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
    const bool limited = LimitsNuma(pipeline, request_);
    const auto claim = [&](std::size_t instance, HostIndex host) {
      if (limits_[host] <= 0) return false;
      --limits_[host];
      const UuidKey key = KeyOf(request_.instances[instance]);
      const auto numa_limits = fleet_.NumaLimitsOf(host, request_);
      const bool complete = fleet_.TakeHardware(key, host,
                                                {.numa = request_.numa_topology,
                                                 .pci = request_.pci_requests,
                                                 .limits = limited ? &numa_limits : nullptr});
      fleet_.AddClaim(key, host, footprint, complete);
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
    const Json& config = vector_.at("config");
    pipeline.filters =
        filters::MakeFilters(FilterNames(file_, vector_), testing::FilterOptionsFrom(config))
            .value();
    pipeline.weighers =
        weighers::MakeWeighers(file_.at("weighers_order"), testing::WeigherOptionsFrom(config))
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
      EXPECT_EQ(fleet_.Numbers(host).free_ram_mb, after.at("free_ram_mb").get<std::int64_t>())
          << name;
      EXPECT_EQ(fleet_.Numbers(host).free_disk_mb, after.at("free_disk_mb").get<std::int64_t>())
          << name;
      EXPECT_EQ(fleet_.Numbers(host).vcpus_used, after.at("vcpus_used").get<std::int64_t>())
          << name;
      EXPECT_EQ(fleet_.Numbers(host).num_instances, after.at("num_instances").get<std::int64_t>())
          << name;
      EXPECT_EQ(fleet_.Numbers(host).num_io_ops, after.at("num_io_ops").get<std::int64_t>())
          << name;
      CompareInstances(host, after);
      if (after.contains("numa_topology")) CompareNuma(host, after.at("numa_topology"));
    }
  }

  // Nova adds an instance to its picture of the host only where a server group needs it.
  void CompareInstances(HostIndex host, const Json& after) const {
    std::set<std::string> got;
    for (const auto& uuid : fleet_.Record(host).instances) got.insert(uuid.str());
    for (const auto& uuid : request_.instances) {
      const auto* claim = fleet_.FindClaim(KeyOf(uuid));
      if (request_.instance_group && claim != nullptr && claim->host == host) {
        got.insert(uuid.str());
      }
    }
    EXPECT_EQ(got, after.at("instances").get<std::set<std::string>>());
  }

  void CompareNuma(HostIndex host, const Json& after) const {
    if (after.is_null()) {
      EXPECT_TRUE(fleet_.Record(host).hardware == nullptr ||
                  fleet_.Record(host).hardware->numa() == nullptr);
      return;
    }
    const auto want = hardware::testing::HostFrom(after);
    const auto* numa = fleet_.Record(host).hardware->numa();
    ASSERT_NE(numa, nullptr);
    ASSERT_EQ(numa->cells.size(), want.cells.size());
    for (std::size_t i = 0; i < want.cells.size(); ++i) {
      auto got = numa->cells[i];
      got.network_metadata = want.cells[i].network_metadata;  // not recorded
      EXPECT_EQ(got, want.cells[i])
          << "cell " << got.id << ": " << got.cpu_usage << " CPUs, " << got.memory_usage
          << " MiB used, pinned " << hardware::FormatCpuSpec(got.pinned_cpus);
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
  EXPECT_EQ(Json(weighers::DefaultWeighers()), file.at("weighers_order"));
  for (const auto& vector : file.at("vectors")) {
    SCOPED_TRACE(vector.at("id").get<std::string>() + " " + vector.at("spec").dump());
    SelectCase(file, vector).Check();
  }
  EXPECT_FALSE(file.at("vectors").empty());
  std::cout << "whole decisions: " << file.at("vectors").size() << "\n";
}

}  // namespace
}  // namespace kilonova::scheduler::core
