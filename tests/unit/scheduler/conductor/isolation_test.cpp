// SPDX-License-Identifier: Apache-2.0
// Aggregates that operators make, as Nova's request filters ask Placement for them.
#include <gmock/gmock.h>

#include <memory>
#include <set>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

class Isolation : public testing::Test {
 protected:
  void Start(const RequestFilterOptions& filters, std::vector<std::string> more = {}) {
    ConductorOptions options;
    options.request_filters = filters;
    rig_ = std::make_unique<Rig>(dir_.File("state.db"), options);
    if (!more.empty()) {
      rig_->Close();
      rig_->extend = [more](Pipeline& pipeline) {
        auto made = filters::MakeFilters(more, {}).value();
        for (auto& filter : made) pipeline.filters.push_back(std::move(filter));
      };
      rig_->Open();
    }
    rig_->HostUp("a");
    rig_->HostUp("b");
    rig_->AddCatalog();
  }
  Conductor& api() { return *rig_->conductor; }
  void Make(const std::string& name, const std::string& host, const std::string& key,
            const std::string& value) {
    ASSERT_TRUE(api().CreateAggregate(name, "").ok());
    ASSERT_TRUE(api().SetAggregateMetadata(name, {{key, value}}).ok());
    ASSERT_TRUE(api().AddHostToAggregate(name, host).ok());
  }
  // Where so many instances of the project go, one after the other; "" = nowhere.
  std::set<std::string> HostsOf(const std::string& project, int count = 4,
                                const std::string& flavor = "m1.tiny") {
    std::set<std::string> hosts;
    for (int i = 0; i < count; ++i) {
      CreateRequest request = Rig::Request("r" + std::to_string(++requests_));
      request.instance.project_id = project;
      request.instance.flavor = flavor;
      const auto made = api().CreateInstances(request);
      EXPECT_TRUE(made.ok()) << Describe(made.status());
      if (made.ok()) hosts.insert(made->front()->host);
    }
    return hosts;
  }
  using Hosts = std::set<std::string>;

  TempDir dir_;
  std::unique_ptr<Rig> rig_;
  int requests_ = 0;
};

TEST_F(Isolation, ATenantStaysInItsAggregate_AndOthersStayOut) {
  Start({.limit_tenants_to_placement_aggregate = true}, {"AggregateMultiTenancyIsolation"});
  Make("theirs", "b", "filter_tenant_id", "blue");
  EXPECT_EQ(HostsOf("blue"), Hosts{"b"});
  EXPECT_EQ(HostsOf("red"), Hosts{"a"});
  // What operators change counts with the next request.
  ASSERT_TRUE(api().AddHostToAggregate("theirs", "a").ok());
  ASSERT_TRUE(api().RemoveHostFromAggregate("theirs", "b").ok());
  EXPECT_EQ(HostsOf("blue"), Hosts{"a"});
  EXPECT_EQ(HostsOf("red"), Hosts{"b"});
  ASSERT_TRUE(api().SetAggregateMetadata("theirs", {{"filter_tenant_id", "red"}}).ok());
  EXPECT_EQ(HostsOf("red"), Hosts{"a"});
  EXPECT_EQ(HostsOf("blue"), Hosts{"b"});
  rig_->Restart();
  rig_->HostUp("a");
  rig_->HostUp("b");
  EXPECT_EQ(HostsOf("red"), Hosts{"a"});
}

TEST_F(Isolation, OffByDefault) {
  Start({});
  Make("theirs", "b", "filter_tenant_id", "blue");
  EXPECT_EQ(HostsOf("blue"), (Hosts{"a", "b"}));
}

TEST_F(Isolation, ATenantWithoutAnAggregate_IsRefusedWhereOneIsRequired) {
  Start({.limit_tenants_to_placement_aggregate = true,
         .placement_aggregate_required_for_tenants = true});
  Make("theirs", "b", "filter_tenant_id3", "blue");
  EXPECT_EQ(HostsOf("blue"), Hosts{"b"});
  CreateRequest request = Rig::Request("red");
  request.instance.project_id = "red";
  const auto refused = api().CreateInstances(request);
  EXPECT_TRUE(HasReason(refused.status(), reason::kNoValidHost)) << Describe(refused.status());
  EXPECT_EQ(DetailsOf(refused.status())["nova_exception"], "RequestFilterFailed");
}

TEST_F(Isolation, AnAggregateForATrait_TakesOnlyGuestsThatRequireIt) {
  Start({.enable_isolated_aggregate_filtering = true});
  auto licensed = Rig::Report("b");
  licensed.traits = {"CUSTOM_LICENSED"};
  ASSERT_TRUE(api().HostReported(rig_->sessions["b"], {licensed, {}, {}}).ok());
  Make("licensed", "b", "trait:CUSTOM_LICENSED", "required");
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "licensed";
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  flavor.extra_specs = {{"trait:CUSTOM_LICENSED", "required"}};
  ASSERT_TRUE(api().CreateFlavor(flavor).ok());
  EXPECT_EQ(HostsOf("red", 2, "licensed"), Hosts{"b"});
  EXPECT_EQ(HostsOf("red", 6), Hosts{"a"});
  // Emptied and deleted it forbids nothing.
  ASSERT_TRUE(api().RemoveHostFromAggregate("licensed", "b").ok());
  ASSERT_TRUE(api().DeleteAggregate("licensed").ok());
  EXPECT_EQ(HostsOf("red", 8), (Hosts{"a", "b"}));
}

TEST_F(Isolation, AZone_IsAskedOfPlacementAsItsAggregates) {
  Start({});
  ASSERT_TRUE(api().CreateAggregate("one", "az1").ok());
  ASSERT_TRUE(api().AddHostToAggregate("one", "b").ok());
  InstanceTemplate instance = Rig::Request("x").instance;
  instance.availability_zone = "az1";
  const auto why = api().Explain(instance, 10);
  ASSERT_TRUE(why.ok()) << Describe(why.status());
  ASSERT_EQ(why->passed, 1);
  EXPECT_EQ(why->filters.front().filter, "Placement");
  EXPECT_EQ(why->filters.front().refused, 1);
}

TEST_F(Isolation, AFullZone_HasAnyZoneAsRemedy) {
  Start({});
  ASSERT_TRUE(api().CreateAggregate("one", "az1").ok());
  ASSERT_TRUE(api().AddHostToAggregate("one", "b").ok());
  ASSERT_TRUE(api().DisableHost("b", "x").ok());
  InstanceTemplate instance = Rig::Request("x").instance;
  instance.availability_zone = "az1";
  const auto why = api().Explain(instance, 10);
  ASSERT_TRUE(why.ok()) << Describe(why.status());
  std::set<std::string> changes;
  for (const Remedy& remedy : why->remedies) changes.insert(remedy.change);
  EXPECT_EQ(changes.size(), 2U);
  EXPECT_TRUE(changes.contains("any zone instead of az1"));
  EXPECT_TRUE(changes.contains("host b enabled"));
}

TEST_F(Isolation, AZoneThatAHostNamesForItself_KeepsThatHost) {
  Start({});
  ASSERT_TRUE(api().CreateAggregate("one", "az1").ok());
  ASSERT_TRUE(api().AddHostToAggregate("one", "b").ok());
  auto own = Rig::Report("a");
  own.availability_zone = "az1";
  ASSERT_TRUE(api().HostReported(rig_->sessions["a"], {own, {}, {}}).ok());
  InstanceTemplate instance = Rig::Request("x").instance;
  instance.availability_zone = "az1";
  EXPECT_EQ(api().Explain(instance, 10)->passed, 2);
}

}  // namespace
}  // namespace kilonova::scheduler::core
