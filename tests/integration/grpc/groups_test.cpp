// SPDX-License-Identifier: Apache-2.0
// Aggregates, zones, server groups, what fits and compact answers over the wire.
#include "tests/integration/grpc/api.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

using Aggregates = v1::AggregateService::Stub;
using Groups = v1::ServerGroupService::Stub;
using Placement = v1::PlacementService::Stub;

TEST_F(ApiTest, Aggregates_MakeZones) {
  rig_.AddCatalog();
  rig_.HostUp("c1");
  v1::CreateAggregateRequest create;
  create.set_name("fast");
  create.set_availability_zone("az1");
  v1::CreateAggregateResponse created;
  ASSERT_TRUE(Call(*aggregates_, &Aggregates::CreateAggregate, create, &created).ok());
  EXPECT_EQ(created.aggregate().availability_zone(), "az1");
  v1::AddHostToAggregateRequest add;
  add.set_aggregate("fast");
  add.set_host("c1");
  v1::AddHostToAggregateResponse added;
  ASSERT_TRUE(Call(*aggregates_, &Aggregates::AddHostToAggregate, add, &added).ok());
  EXPECT_EQ(added.aggregate().hosts(0), "c1");
  v1::SetAggregateMetadataRequest set;
  set.set_aggregate(std::to_string(created.aggregate().id()));
  (*set.mutable_set())["ssd"] = "true";
  set.add_remove("gone");
  v1::SetAggregateMetadataResponse changed;
  ASSERT_TRUE(Call(*aggregates_, &Aggregates::SetAggregateMetadata, set, &changed).ok());
  EXPECT_EQ(changed.aggregate().metadata().at("ssd"), "true");
  set.add_remove("ssd");
  EXPECT_EQ(Call(*aggregates_, &Aggregates::SetAggregateMetadata, set, &changed).code(),
            Code::kInvalidArgument);
  v1::ListAvailabilityZonesRequest list;
  list.set_detail(true);
  v1::ListAvailabilityZonesResponse zones;
  ASSERT_TRUE(Call(*aggregates_, &Aggregates::ListAvailabilityZones, list, &zones).ok());
  ASSERT_EQ(zones.zones_size(), 1);
  EXPECT_EQ(zones.zones(0).name(), "az1");
  EXPECT_TRUE(zones.zones(0).detail(0).up());
  v1::DeleteAggregateRequest remove;
  remove.set_aggregate("fast");
  v1::DeleteAggregateResponse removed;
  EXPECT_TRUE(HasReason(Call(*aggregates_, &Aggregates::DeleteAggregate, remove, &removed),
                        reason::kAggregateConflict));
}

TEST_F(ApiTest, AServerGroup_TellsItsMembers) {
  rig_.AddCatalog();
  rig_.HostUp("c1");
  v1::CreateServerGroupRequest create;
  create.mutable_server_group()->set_name("web");
  create.mutable_server_group()->set_policy("soft-affinity");
  v1::CreateServerGroupResponse created;
  ASSERT_TRUE(Call(*groups_, &Groups::CreateServerGroup, create, &created).ok());
  auto request = CreateRequest("r", 2);
  (*request.mutable_template_()->mutable_scheduler_hints())["group"].add_values(
      created.server_group().id());
  const auto made = Create(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  EXPECT_EQ(made->instances(0).server_group(), created.server_group().id());
  v1::GetServerGroupRequest get;
  get.set_server_group("web");
  v1::GetServerGroupResponse got;
  ASSERT_TRUE(Call(*groups_, &Groups::GetServerGroup, get, &got).ok());
  EXPECT_EQ(got.server_group().members_size(), 2);
  create.mutable_server_group()->set_max_server_per_host(2);
  EXPECT_EQ(Call(*groups_, &Groups::CreateServerGroup, create, &created).code(),
            Code::kInvalidArgument);
}

TEST_F(ApiTest, WhatFits_CountsByHostAndZone) {
  rig_.AddCatalog();
  rig_.HostUp("c1", {}, 4);
  v1::WhatFitsRequest request;
  request.set_per_host(true);
  v1::WhatFitsResponse response;
  ASSERT_TRUE(Call(*placement_, &Placement::WhatFits, request, &response).ok());
  ASSERT_EQ(response.flavors_size(), 1);
  EXPECT_EQ(response.flavors(0).count(), 4);
  EXPECT_EQ(response.flavors(0).zones(0).zone(), "nova");
  EXPECT_EQ(response.flavors(0).per_host(0).host(), "c1");
  v1::ExplainRequest explain;
  explain.mutable_template_()->set_name("x");
  explain.mutable_template_()->set_flavor("m1.tiny");
  explain.mutable_template_()->set_image("cirros");
  explain.mutable_template_()->set_availability_zone("az9");
  v1::ExplainResponse why;
  ASSERT_TRUE(Call(*placement_, &Placement::Explain, explain, &why).ok());
  ASSERT_GT(why.remedies_size(), 0);
  EXPECT_EQ(why.remedies(0).change(), "any zone instead of az9");
}

TEST_F(ApiTest, AnAnswerThatWouldNotFit_IsCompact) {
  rig_.AddCatalog();
  rig_.HostUp("c1", {}, 1000);
  model::Flavor large;
  large.flavorid = large.name = "large";
  large.vcpus = 1;
  large.memory_mb = 1;
  for (int i = 0; i < 400; ++i) {
    large.extra_specs["custom:" + std::to_string(i)] = std::string(250, '1');
  }
  ASSERT_TRUE(rig_.conductor->CreateFlavor(large).ok());
  auto request = CreateRequest("many", 200);
  request.mutable_template_()->set_flavor("large");
  const auto made = Create(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  EXPECT_TRUE(made->compact());
  ASSERT_EQ(made->instances_size(), 200);
  EXPECT_EQ(made->instances(199).name(), "web-200");
  EXPECT_EQ(made->instances(199).host(), "c1");
  EXPECT_FALSE(made->instances(199).has_flavor());
  v1::GetInstanceRequest get;
  get.set_instance(made->instances(199).uuid());
  v1::GetInstanceResponse whole;
  ASSERT_TRUE(Call(*instances_, &v1::InstanceService::Stub::GetInstance, get, &whole).ok());
  EXPECT_EQ(whole.instance().flavor().extra_specs_size(), 400);
  const auto again = Create(request);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->compact());
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
