// SPDX-License-Identifier: Apache-2.0
// What fits, and what would have to be different.
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Fits : public ConductorTest {
 protected:
  void SetUp() override { rig_.AddCatalog(); }
  Conductor& api() { return *rig_.conductor; }
  void Flavor(const std::string& name, std::int64_t vcpus, std::int64_t memory_mb,
              std::int64_t root_gb, model::ExtraSpecs extra_specs = {}) {
    model::Flavor flavor;
    flavor.flavorid = flavor.name = name;
    flavor.vcpus = vcpus;
    flavor.memory_mb = memory_mb;
    flavor.root_gb = root_gb;
    flavor.extra_specs = std::move(extra_specs);
    ASSERT_TRUE(api().CreateFlavor(flavor).ok());
  }
  static InstanceTemplate Of(const std::string& flavor, const std::string& zone = "") {
    InstanceTemplate t;
    t.name = "x";
    t.flavor = flavor;
    t.image = "cirros";
    t.availability_zone = zone;
    return t;
  }
  std::vector<std::string> Remedies(const InstanceTemplate& t) {
    const auto why = api().Explain(t, 10);
    EXPECT_TRUE(why.ok()) << Describe(why.status());
    std::vector<std::string> changes;
    if (why.ok()) {
      for (const Remedy& r : why->remedies) changes.push_back(r.change);
    }
    return changes;
  }
  void ReleaseAll() {
    const auto page = api().ListInstances({}, {1000, ""});
    ASSERT_TRUE(page.ok());
    for (const auto& instance : page->items) rig_.engine->Release(instance->uuid());
  }
  // Places until refused, by host; all of it is taken back.
  std::map<std::string, std::int64_t> PlaceUntilRefused(const InstanceTemplate& t) {
    PlacementRequest request;
    request.flavor = *api().GetFlavor(t.flavor);
    request.image_properties = api().GetImage(t.image)->source.properties;
    request.availability_zone = t.availability_zone;
    request.hints = t.hints;
    std::map<std::string, std::int64_t> placed;
    std::vector<Uuid> all;
    while (all.size() < 5000) {
      request.instances = {Uuid::Random()};
      const auto result = rig_.engine->Place(request);
      if (!result.ok() || !result->placed()) break;
      ++placed[result->selections[0].chosen.host];
      all.push_back(request.instances[0]);
    }
    for (const Uuid& uuid : all) rig_.engine->Release(uuid);
    return placed;
  }
};

TEST_F(Fits, AgreesWithPlacingUntilRefused) {
  std::mt19937 random(7);
  for (int h = 0; h < 12; ++h) {
    const std::string name = "h" + std::to_string(h);
    rig_.HostUp(name);
    HostUpdate update{
        Rig::Report(name, 1 + random() % 12, 512 * (1 + random() % 40), 1 + random() % 60), {}, {}};
    auto& vcpus = update.report.inventories["VCPU"];
    vcpus.allocation_ratio = 1.0 + static_cast<double>(random() % 4) / 2;
    vcpus.max_unit = 1 + random() % vcpus.total;
    update.report.inventories["MEMORY_MB"].reserved = random() % 512;
    if (h % 5 == 4) update.report.availability_zone = "far";
    ASSERT_TRUE(api().HostUp({"t", rig_.journals[name], update.report, {}}).ok());
    if (h == 3) {
      ASSERT_TRUE(api().DisableHost(name, "x").ok());
    }
  }
  Flavor("two", 2, 1024, 3);
  Flavor("wide", 5, 256, 0);
  Flavor("load", 1, 512, 1, {{"capabilities:free_ram_mb", ">= 2000"}});
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(api().CreateInstances(Rig::Request("r" + std::to_string(i))).ok());
  }
  for (const char* flavor : {"m1.tiny", "two", "wide", "load"}) {
    for (const char* zone : {"", "far"}) {
      const InstanceTemplate t = Of(flavor, zone);
      const auto fits = api().WhatFits(t);
      ASSERT_TRUE(fits.ok()) << Describe(fits.status());
      ASSERT_EQ(fits->size(), 1U);
      std::map<std::string, std::int64_t> by_host;
      for (const Room::OnHost& host : (*fits)[0].room.hosts) by_host[host.host] = host.count;
      EXPECT_EQ(by_host, PlaceUntilRefused(t)) << flavor << " in '" << zone << "'";
      std::int64_t sum = 0;
      for (const auto& [name, counts] : (*fits)[0].zones) sum += counts.first;
      EXPECT_EQ(sum, (*fits)[0].room.count);
    }
  }
  rig_.CheckInvariants();
}

// Creates until refused, by host.
std::map<std::string, std::int64_t> CreateUntilRefused(Conductor& api, const InstanceTemplate& t,
                                                       const std::string& id) {
  std::map<std::string, std::int64_t> placed;
  for (int i = 0; i < 200; ++i) {
    CreateRequest request;
    request.request_id = id + "." + std::to_string(i);
    request.instance = t;
    request.instance.networks = {"net"};
    const auto made = api.CreateInstances(request);
    if (!made.ok() || made->front()->host.empty()) break;
    ++placed[made->front()->host];
  }
  return placed;
}

TEST_F(Fits, GroupsAreCountedByTheirPolicy) {
  rig_.Close();
  rig_.options().server_group_members = -1;
  rig_.Open();
  rig_.HostUp("a", {}, 3);
  rig_.HostUp("b", {}, 5);
  rig_.HostUp("c", {}, 4);
  int number = 0;
  for (const auto& [policy, most] :
       std::vector<std::pair<std::string, std::int64_t>>{{"affinity", 0},
                                                         {"anti-affinity", 0},
                                                         {"anti-affinity", 2},
                                                         {"soft-affinity", 0},
                                                         {"soft-anti-affinity", 0}}) {
    for (const int members : {0, 2}) {
      SCOPED_TRACE(policy + " " + std::to_string(most) + " " + std::to_string(members));
      const std::string id = "g" + std::to_string(++number);
      ServerGroupRecord group;
      group.name = id;
      group.policy = policy;
      group.max_server_per_host = most;
      const auto made = api().CreateServerGroup(group);
      ASSERT_TRUE(made.ok()) << Describe(made.status());
      InstanceTemplate t = Of("m1.tiny");
      t.hints["group"] = {made->record.id.str()};
      for (int i = 0; i < members; ++i) {
        CreateRequest request = Rig::Request(id + "m" + std::to_string(i));
        request.instance.hints = t.hints;
        ASSERT_TRUE(api().CreateInstances(request).ok());
      }
      const auto fits = api().WhatFits(t);
      ASSERT_TRUE(fits.ok()) << Describe(fits.status());
      std::map<std::string, std::int64_t> by_host;
      for (const Room::OnHost& host : (*fits)[0].room.hosts) by_host[host.host] = host.count;
      EXPECT_EQ(by_host, CreateUntilRefused(api(), t, id));
      ReleaseAll();
    }
  }
}

TEST_F(Fits, ItsQuotaBoundsAGroup) {
  rig_.HostUp("a", {}, 16);
  ServerGroupRecord group;
  group.name = "g";
  group.policy = "soft-affinity";
  const auto made = api().CreateServerGroup(group);
  ASSERT_TRUE(made.ok());
  InstanceTemplate t = Of("m1.tiny");
  t.hints["group"] = {made->record.id.str()};
  EXPECT_EQ(api().WhatFits(t)->front().room.count, 10);
}

TEST_F(Fits, NestedProvidersAreCountedOneByOne) {
  for (const auto& [name, gpus] :
       std::map<std::string, std::int64_t>{{"a", 2}, {"b", 0}, {"c", 1}}) {
    rig_.HostUp(name, {}, 5);
    HostUpdate update{Rig::Report(name, 5), {}, {}};
    for (std::int64_t i = 0; i < gpus; ++i) {
      update.report.nested.push_back(
          {"gpu-" + std::to_string(i), "", {{"VGPU", {.total = 3, .max_unit = 2}}}, {}});
    }
    ASSERT_TRUE(api().HostReported(rig_.sessions[name], update).ok());
  }
  Flavor("one", 1, 512, 1, {{"resources:VGPU", "1"}});
  Flavor("pair", 1, 512, 1, {{"resources:VGPU", "2"}});
  for (const char* flavor : {"one", "pair"}) {
    const auto fits = api().WhatFits(Of(flavor));
    ASSERT_TRUE(fits.ok()) << Describe(fits.status());
    std::map<std::string, std::int64_t> by_host;
    for (const Room::OnHost& host : (*fits)[0].room.hosts) by_host[host.host] = host.count;
    EXPECT_EQ(by_host, CreateUntilRefused(api(), Of(flavor), flavor)) << flavor;
    ReleaseAll();
  }
}

TEST_F(Fits, AllFlavorsAreCounted_WhereNoneIsNamed) {
  rig_.HostUp("a", {}, 4);
  Flavor("big", 4, 1024, 1);
  Flavor("too-big", 5, 1024, 1);
  InstanceTemplate t;
  const auto fits = api().WhatFits(t);
  ASSERT_TRUE(fits.ok()) << Describe(fits.status());
  ASSERT_EQ(fits->size(), 3U);
  EXPECT_EQ((*fits)[0].name, "big");
  EXPECT_EQ((*fits)[0].room.count, 1);
  EXPECT_EQ((*fits)[1].room.count, 4);
  EXPECT_EQ((*fits)[2].room.count, 0);
  EXPECT_EQ((*fits)[0].zones.at("nova"), (std::pair<std::int64_t, std::int64_t>(1, 1)));
  t.flavor = "nothing";
  EXPECT_TRUE(HasReason(api().WhatFits(t).status(), reason::kFlavorNotFound));
}

TEST_F(Fits, ARemedy_IsTheLeastThatIsMissing) {
  rig_.HostUp("a", {}, 16);
  rig_.HostUp("b", {}, 15);
  Flavor("wide", 17, 512, 1);
  Flavor("fat", 1, 40000, 1);
  EXPECT_THAT(Remedies(Of("wide")), Contains("1 less VCPU"));
  EXPECT_THAT(Remedies(Of("fat")), Contains("7232 MiB less memory"));
  // One unit may not be larger than the host says, however much were free.
  EXPECT_THAT(Remedies(Of("wide")), Not(Contains(HasSubstr("more VCPU"))));
  Flavor("all", 16, 512, 1);
  CreateRequest filler = Rig::Request("filler");
  filler.instance.availability_zone = "nova:a";
  ASSERT_TRUE(api().CreateInstances(filler).ok());
  const auto changes = Remedies(Of("all"));
  ASSERT_FALSE(changes.empty());
  EXPECT_THAT(changes, Contains("1 more VCPU on host a"));
  EXPECT_THAT(changes, Contains("1 less VCPU"));
}

TEST_F(Fits, ARemedy_NamesTheWishThatStandsInTheWay) {
  rig_.HostUp("a");
  EXPECT_THAT(Remedies(Of("m1.tiny", "az9")), Contains("any zone instead of az9"));
  InstanceTemplate apart = Of("m1.tiny");
  const InstancePtr there = rig_.Create("there");
  apart.hints["different_host"] = {there->uuid().str()};
  EXPECT_THAT(Remedies(apart), Contains("without the hint different_host"));
  Flavor("arch", 1, 512, 1, {{"capabilities:hypervisor_type", "s== VMware"}});
  EXPECT_THAT(Remedies(Of("arch")),
              Contains("without extra spec capabilities:hypervisor_type=s== VMware"));
  EXPECT_TRUE(Remedies(Of("m1.tiny")).empty());
}

TEST_F(Fits, ARemedy_NamesTheHostThatIsNotThere) {
  rig_.HostUp("a");
  rig_.HostUp("b");
  ASSERT_TRUE(api().DisableHost("a", "x").ok());
  api().SessionEnded(rig_.sessions["b"]);
  EXPECT_THAT(Remedies(Of("m1.tiny")), Contains("host a enabled"));
  EXPECT_THAT(Remedies(Of("m1.tiny")), Contains("host b up"));
}

TEST_F(Fits, TwoThingsInTheWay_HaveNoSingleRemedy) {
  rig_.HostUp("a");
  Flavor("wide", 17, 40000, 1);
  EXPECT_TRUE(Remedies(Of("wide")).empty());
}

TEST_F(Fits, AFailedRequest_KeepsItsExplanation_AndItsFaultSaysIt) {
  rig_.HostUp("a", {}, 1);
  const auto made = api().CreateInstances(Rig::Request("three", 3));
  ASSERT_TRUE(made.ok());
  const InstancePtr r = made->front();
  EXPECT_THAT(r->fault->message, HasSubstr("it would fit with 1 instances instead of 3"));
  rig_.HostUp("b");
  ASSERT_TRUE(api().CreateAggregate("nine", "az9").ok());
  ASSERT_TRUE(api().AddHostToAggregate("nine", "b").ok());
  api().SessionEnded(rig_.sessions["b"]);
  CreateRequest request = Rig::Request("zone");
  request.instance.availability_zone = "az9";
  const InstancePtr zone = api().CreateInstances(request)->front();
  EXPECT_THAT(zone->fault->message, HasSubstr("Placement refused 1"));
  EXPECT_THAT(zone->fault->message, HasSubstr("any zone instead of az9"));
  EXPECT_THAT(zone->fault->message, Not(HasSubstr("host a")));
  rig_.Restart();
  const auto kept = api().ExplainInstance(zone->uuid().str());
  ASSERT_TRUE(kept.ok());
  ASSERT_FALSE(kept->remedies.empty());
  EXPECT_EQ(kept->remedies[0].change, "any zone instead of az9");
  EXPECT_EQ(kept->explanations[0].host, "b");
  EXPECT_FALSE(kept->explanations[0].verdicts.back().need.empty());
}

}  // namespace
}  // namespace kilonova::scheduler::core
