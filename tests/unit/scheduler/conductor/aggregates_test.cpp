// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using testing::ElementsAre;

class Aggregates : public ConductorTest {
 protected:
  void SetUp() override {
    rig_.HostUp("a");
    rig_.HostUp("b");
    rig_.AddCatalog();
  }
  Conductor& api() { return *rig_.conductor; }
  std::vector<std::string> Zones() {
    std::vector<std::string> names;
    const auto zones = api().ListZones({});
    for (const ZoneView& zone : zones->items) {
      std::string text = zone.name + (zone.available ? "" : "!") + ":";
      for (const auto& host : zone.hosts) text += " " + host.name;
      names.push_back(text);
    }
    return names;
  }
  InstancePtr CreateIn(const std::string& id, const std::string& zone) {
    CreateRequest request = Rig::Request(id);
    request.instance.availability_zone = zone;
    const auto made = api().CreateInstances(request);
    EXPECT_TRUE(made.ok()) << Describe(made.status());
    return made.ok() ? made->front() : nullptr;
  }
  // Whether a host would take an instance for the zone.
  bool Takes(const std::string& zone) {
    InstanceTemplate instance = Rig::Request("x").instance;
    instance.availability_zone = zone;
    const auto why = api().Explain(instance, 1);
    EXPECT_TRUE(why.ok()) << Describe(why.status());
    return why.ok() && why->passed > 0;
  }
};

TEST_F(Aggregates, AreFoundByIdAndName_AndSurviveARestart) {
  const auto one = api().CreateAggregate("one", "az1");
  ASSERT_TRUE(one.ok()) << Describe(one.status());
  EXPECT_EQ(one->id, 1);
  EXPECT_EQ(one->metadata.at("availability_zone"), "az1");
  EXPECT_TRUE(HasReason(api().CreateAggregate("one", "").status(), reason::kAggregateExists));
  ASSERT_TRUE(api().AddHostToAggregate("one", "a").ok());
  ASSERT_TRUE(api().SetAggregateMetadata("1", {{"ssd", "true"}, {"gone", std::nullopt}}).ok());
  rig_.Restart();
  rig_.HostUp("a");
  const auto again = api().GetAggregate("1");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->uuid, one->uuid);
  EXPECT_EQ(again->metadata.at("ssd"), "true");
  EXPECT_THAT(again->hosts, ElementsAre("a"));
  EXPECT_TRUE(again->updated_at.has_value());
  EXPECT_THAT(api().GetHost("a")->aggregates, ElementsAre("one"));
  EXPECT_TRUE(HasReason(api().GetAggregate("2").status(), reason::kAggregateNotFound));
  // A number is never given again.
  ASSERT_TRUE(api().RemoveHostFromAggregate("one", "a").ok());
  ASSERT_TRUE(api().DeleteAggregate("one").ok());
  rig_.Restart();
  EXPECT_EQ(api().CreateAggregate("two", "")->id, 2);
}

TEST_F(Aggregates, TakeEffectWithTheNextDecision) {
  ASSERT_TRUE(api().CreateAggregate("one", "az1").ok());
  EXPECT_FALSE(Takes("az1"));
  ASSERT_TRUE(api().AddHostToAggregate("one", "b").ok());
  const InstancePtr r = CreateIn("after", "az1");
  EXPECT_EQ(r->host, "b");
  EXPECT_EQ(r->availability_zone, "az1");
  EXPECT_EQ(CreateIn("other", "nova")->host, "a");
  EXPECT_EQ(api().GetHost("b")->row.report.availability_zone, "az1");
  EXPECT_TRUE(Takes("az1"));
  ASSERT_TRUE(api().RemoveHostFromAggregate("one", "b").ok());
  EXPECT_FALSE(Takes("az1"));
}

TEST_F(Aggregates, AHostIsInOneZone) {
  ASSERT_TRUE(api().CreateAggregate("one", "az1").ok());
  ASSERT_TRUE(api().CreateAggregate("two", "az2").ok());
  ASSERT_TRUE(api().CreateAggregate("same", "az1").ok());
  ASSERT_TRUE(api().CreateAggregate("none", "").ok());
  ASSERT_TRUE(api().AddHostToAggregate("one", "a").ok());
  EXPECT_TRUE(HasReason(api().AddHostToAggregate("two", "a").status(), reason::kAggregateConflict));
  EXPECT_TRUE(
      HasReason(api().AddHostToAggregate("one", "a").status(), reason::kAggregateHostExists));
  EXPECT_TRUE(api().AddHostToAggregate("same", "a").ok());
  EXPECT_TRUE(api().AddHostToAggregate("none", "a").ok());
  EXPECT_TRUE(
      HasReason(api().UpdateAggregate("none", "", "az9").status(), reason::kAggregateConflict));
  EXPECT_TRUE(HasReason(api().SetAggregateMetadata("none", {{"availability_zone", "az9"}}).status(),
                        reason::kAggregateConflict));
  EXPECT_TRUE(api().SetAggregateMetadata("none", {{"availability_zone", "az1"}}).ok());
  EXPECT_TRUE(HasReason(api().AddHostToAggregate("one", "z").status(), reason::kHostNotFound));
  EXPECT_TRUE(HasReason(api().RemoveHostFromAggregate("one", "b").status(),
                        reason::kAggregateHostNotFound));
}

TEST_F(Aggregates, AZoneWithInstances_StaysAsItIs) {
  ASSERT_TRUE(api().CreateAggregate("one", "az1").ok());
  ASSERT_TRUE(api().AddHostToAggregate("one", "a").ok());
  ASSERT_TRUE(api().UpdateAggregate("one", "", "az2").ok());
  const InstancePtr r = CreateIn("it", "az2");
  ASSERT_EQ(r->host, "a");
  const auto rename = api().UpdateAggregate("one", "uno", "az3");
  EXPECT_TRUE(HasReason(rename.status(), reason::kAggregateConflict));
  EXPECT_EQ(api().GetAggregate("1")->name, "one");  // nothing half done
  EXPECT_TRUE(api().UpdateAggregate("one", "uno", "az2").ok());
  EXPECT_TRUE(
      HasReason(api().SetAggregateMetadata("uno", {{"availability_zone", std::nullopt}}).status(),
                reason::kAggregateConflict));
  EXPECT_TRUE(HasReason(api().DeleteAggregate("uno"), reason::kAggregateConflict));
  // A host leaves with its instances, and comes with them.
  EXPECT_TRUE(api().RemoveHostFromAggregate("uno", "a").ok());
  EXPECT_TRUE(api().AddHostToAggregate("uno", "a").ok());
  ASSERT_TRUE(api().DeleteInstance(r->uuid().str(), "").ok());
  EXPECT_TRUE(api().UpdateAggregate("uno", "", "az3").ok());
}

TEST_F(Aggregates, NonsenseIsRefused) {
  for (const std::string& name : {std::string(), std::string(" x"), std::string("x "),
                                  std::string("a\nb"), std::string(256, 'x')}) {
    EXPECT_EQ(api().CreateAggregate(name, "").status().code(), Code::kInvalidArgument) << name;
  }
  EXPECT_EQ(api().CreateAggregate("x", "a:b").status().code(), Code::kInvalidArgument);
  ASSERT_TRUE(api().CreateAggregate("x", "").ok());
  ASSERT_TRUE(api().CreateAggregate("y", "").ok());
  EXPECT_EQ(api().UpdateAggregate("x", "", "").status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(HasReason(api().UpdateAggregate("x", "y", "").status(), reason::kAggregateExists));
  using Change = Conductor::MetadataChange;
  for (const Change& change :
       {Change{{"", "v"}}, Change{{"k/", "v"}}, Change{{std::string(256, 'k'), "v"}},
        Change{{"k", std::string(256, 'v')}}, Change{{"availability_zone", ""}}}) {
    EXPECT_FALSE(api().SetAggregateMetadata("x", change).ok()) << change.begin()->first;
  }
}

TEST_F(Aggregates, Zones_AreThoseHostsAreIn) {
  ASSERT_TRUE(api().CreateAggregate("one", "az1").ok());
  EXPECT_THAT(Zones(), ElementsAre("nova: a b"));
  ASSERT_TRUE(api().AddHostToAggregate("one", "b").ok());
  EXPECT_THAT(Zones(), ElementsAre("az1: b", "nova: a"));
  ASSERT_TRUE(api().DisableHost("b", "why").ok());
  EXPECT_THAT(Zones(), ElementsAre("az1!: b", "nova: a"));
  EXPECT_EQ(api().ListZones({})->items[0].hosts_up, 0);
  const auto page = api().ListZones({1, ""});
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(api().ListZones({1, page->next_page_token})->items[0].name, "nova");
}

TEST_F(Aggregates, AreListedInPages) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(api().CreateAggregate("g" + std::to_string(i), "").ok());
  const auto page = api().ListAggregates({2, ""});
  ASSERT_EQ(page->items.size(), 2U);
  const auto rest = api().ListAggregates({2, page->next_page_token});
  ASSERT_EQ(rest->items.size(), 1U);
  EXPECT_EQ(rest->items[0].id, 3);
  EXPECT_EQ(rest->next_page_token, "");
}

TEST_F(Aggregates, AForcedHostMayNameItsNode) {
  EXPECT_EQ(CreateIn("host", "nova:b")->host, "b");
  EXPECT_EQ(CreateIn("node", "nova:b:b.node")->host, "b");
  EXPECT_EQ(CreateIn("only-node", "nova::a.node")->host, "a");
  for (const char* zone : {"nova:b:a.node", "nova::x", "nova:x"}) {
    CreateRequest request = Rig::Request("bad");
    request.instance.availability_zone = zone;
    EXPECT_TRUE(HasReason(api().CreateInstances(request).status(), reason::kHostNotFound)) << zone;
  }
}

}  // namespace
}  // namespace kilonova::scheduler::core
