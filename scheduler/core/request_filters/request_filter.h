// SPDX-License-Identifier: Apache-2.0
// Nova's request filters: they add to what a request asks of Placement, before Placement is asked.
// Each is a file of its own; options have Nova's names (group scheduler) and defaults.
//
//   RETURN_IF_ERROR(ApplyRequestFilters(input, spec));
//   ASSIGN_OR_RETURN(auto request, ResourcesFromRequestSpec(spec, find, {}));
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "scheduler/core/resource_request/request_spec.h"

namespace kilonova::scheduler::core {

struct RequestFilterOptions {
  bool limit_tenants_to_placement_aggregate = false;
  bool placement_aggregate_required_for_tenants = false;
  bool query_placement_for_availability_zone = true;
  bool query_placement_for_image_type_support = false;
  bool enable_isolated_aggregate_filtering = false;
  bool image_metadata_prefilter = false;
};

struct AggregateMetadata {
  std::string uuid;
  std::map<std::string, std::string> metadata;
};

struct RequestFilterInput {
  RequestFilterOptions options;
  std::span<const AggregateMetadata> aggregates;  // all of the cloud
  std::string_view project_id;
  std::string_view availability_zone;  // asked for; "" = any
  std::string_view disk_format;        // of the image; "" = none known
  bool remote_managed_ports = false;   // a port of vnic_type remote-managed is asked for
};

// A filter changes `spec`, or leaves it as it is when it has nothing to say. Errors: NOT_FOUND/
// NO_VALID_HOST when the project may use no host at all, and what hardware refuses.
using RequestFilter = Status (*)(const RequestFilterInput& input, ResourceRequestSpec& spec);

Status RequireTenantAggregate(const RequestFilterInput& input, ResourceRequestSpec& spec);
Status MapAzToPlacementAggregate(const RequestFilterInput& input, ResourceRequestSpec& spec);
Status RequireImageTypeSupport(const RequestFilterInput& input, ResourceRequestSpec& spec);
Status ComputeStatusFilter(const RequestFilterInput& input, ResourceRequestSpec& spec);
Status IsolateAggregates(const RequestFilterInput& input, ResourceRequestSpec& spec);
Status TransformImageMetadata(const RequestFilterInput& input, ResourceRequestSpec& spec);
Status AcceleratorsFilter(const RequestFilterInput& input, ResourceRequestSpec& spec);
Status RemoteManagedPortsFilter(const RequestFilterInput& input, ResourceRequestSpec& spec);
Status EphemeralEncryptionFilter(const RequestFilterInput& input, ResourceRequestSpec& spec);

// All of them, in Nova's order. Nova's routed_networks_filter asks Neutron and is not among them.
Status ApplyRequestFilters(const RequestFilterInput& input, ResourceRequestSpec& spec);

// Adds to the destination of `spec`, made when there is none, one more demand: an aggregate of
// `uuids`.
void RequireAggregates(std::span<const std::string> uuids, ResourceRequestSpec& spec);

}  // namespace kilonova::scheduler::core
