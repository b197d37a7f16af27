// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core/request_filters/request_filter.h"

namespace kilonova::scheduler::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Case {
  RequestFilterInput input;
  ResourceRequestSpec spec;
  Status Apply() { return ApplyRequestFilters(input, spec); }
  const TraitNames& required() const { return spec.request_level_params.root_required; }
  std::vector<std::string> aggregates() const {
    return spec.requested_destination ? spec.requested_destination->aggregates
                                      : std::vector<std::string>{};
  }
};

const std::vector<AggregateMetadata>& Aggregates() {
  static const auto* const aggregates = new std::vector<AggregateMetadata>{
      {"u1", {{"availability_zone", "az1"}, {"filter_tenant_id", "p1"}}},
      {"u2", {{"filter_tenant_id_other", "p1"}, {"trait:CUSTOM_WINDOWS", "required"}}},
      {"u3", {{"availability_zone", "az1"}, {"trait:HW_CPU_X86_VMX", "forbidden"}}},
      {"u4", {{"owner", "p2"}}},
      {"u5", {{"owner", "p2"}, {"filter_tenant_id", "p3"}}},
  };
  return *aggregates;
}

TEST(RequestFilters, DefaultsForbidDisabledHostsAndMapTheZone) {
  Case c;
  c.input.aggregates = Aggregates();
  c.input.project_id = "p1";
  c.input.availability_zone = "az1";
  c.input.disk_format = "qcow2";
  ASSERT_TRUE(c.Apply().ok());
  EXPECT_THAT(c.spec.request_level_params.root_forbidden, ElementsAre("COMPUTE_STATUS_DISABLED"));
  EXPECT_THAT(c.required(), IsEmpty());
  EXPECT_THAT(c.aggregates(), ElementsAre("u1,u3"));
}

TEST(RequestFilters, AZoneWithoutAggregatesIsLeftToTheFilter) {
  Case c;
  c.input.aggregates = Aggregates();
  c.input.availability_zone = "nova";
  ASSERT_TRUE(c.Apply().ok());
  EXPECT_THAT(c.aggregates(), IsEmpty());
}

TEST(RequestFilters, TenantsGetTheirAggregatesOrNone) {
  Case c;
  c.input.aggregates = Aggregates();
  c.input.options.limit_tenants_to_placement_aggregate = true;
  c.input.project_id = "p1";
  ASSERT_TRUE(c.Apply().ok());
  EXPECT_THAT(c.aggregates(), ElementsAre("u1,u2"));

  Case other;
  other.input = c.input;
  other.input.project_id = "p2";  // what it owns is for no tenant, or for another
  ASSERT_TRUE(other.Apply().ok());
  EXPECT_THAT(other.aggregates(), IsEmpty());
  other.input.options.placement_aggregate_required_for_tenants = true;
  EXPECT_TRUE(HasReason(other.Apply(), reason::kNoValidHost));
}

TEST(RequestFilters, ImageTypesBecomeTraitsThatAreKnown) {
  const auto required = [](std::string_view format, bool is_bfv) {
    Case c;
    c.input.options.query_placement_for_image_type_support = true;
    c.input.disk_format = format;
    c.spec.is_bfv = is_bfv;
    EXPECT_TRUE(c.Apply().ok());
    return c.required();
  };
  EXPECT_THAT(required("qcow2", false), ElementsAre("COMPUTE_IMAGE_TYPE_QCOW2"));
  EXPECT_THAT(required("qcow2", true), IsEmpty());
  EXPECT_THAT(required("docker", false), IsEmpty());
}

TEST(RequestFilters, AggregatesOfATraitAreForThoseThatRequireIt) {
  Case c;
  c.input.aggregates = Aggregates();
  c.input.options.enable_isolated_aggregate_filtering = true;
  ASSERT_TRUE(c.Apply().ok());
  EXPECT_THAT(c.spec.requested_destination->forbidden_aggregates, ElementsAre("u2"));

  Case with_trait;
  with_trait.input = c.input;
  with_trait.spec.image_properties["trait:CUSTOM_WINDOWS"] = "required";
  ASSERT_TRUE(with_trait.Apply().ok());
  EXPECT_FALSE(with_trait.spec.requested_destination.has_value());
}

TEST(RequestFilters, ImageMetadataBecomesTraits) {
  Case c;
  c.input.options.image_metadata_prefilter = true;
  c.spec.image_properties = {{"hw_disk_bus", "virtio"}, {"hw_vif_model", "spapr-vlan"}};
  ASSERT_TRUE(c.Apply().ok());
  EXPECT_THAT(c.required(),
              ElementsAre("COMPUTE_NET_VIF_MODEL_SPAPR_VLAN", "COMPUTE_STORAGE_BUS_VIRTIO"));
  // One name os-traits does not have, and Nova adds none.
  Case unknown;
  unknown.input = c.input;
  unknown.spec.image_properties = {{"hw_disk_bus", "virtio"}, {"hw_viommu_model", "intel"}};
  ASSERT_TRUE(unknown.Apply().ok());
  EXPECT_THAT(unknown.required(), IsEmpty());
}

TEST(RequestFilters, DevicesAndEncryptionNeedHostsThatCan) {
  Case c;
  c.input.remote_managed_ports = true;
  c.spec.flavor.extra_specs = {{"accel:device_profile", "fpga"},
                               {"hw:ephemeral_encryption", "yes"},
                               {"hw:ephemeral_encryption_format", "luks"}};
  ASSERT_TRUE(c.Apply().ok());
  EXPECT_THAT(c.required(),
              ElementsAre("COMPUTE_ACCELERATORS", "COMPUTE_EPHEMERAL_ENCRYPTION",
                          "COMPUTE_EPHEMERAL_ENCRYPTION_LUKS", "COMPUTE_REMOTE_MANAGED_PORTS"));
  Case conflict;
  conflict.spec.flavor.extra_specs = {{"hw:ephemeral_encryption", "yes"}};
  conflict.spec.image_properties = {{"hw_ephemeral_encryption", "false"}};
  EXPECT_EQ(conflict.Apply().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace kilonova::scheduler::core
