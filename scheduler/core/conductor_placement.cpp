// SPDX-License-Identifier: Apache-2.0
// What an instance asks of hosts' NUMA cells and of Placement, as Nova's API and scheduler would.
#include <utility>

#include "common/hardware/constraints.h"
#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/providers/allocation_candidates.h"

namespace kilonova::scheduler::core {
namespace {

// Hosts are forced by name, not by provider.
std::vector<ComputeNode> NoNodes(const std::optional<std::string>& /*host*/,
                                 const std::optional<std::string>& /*node*/,
                                 const std::optional<std::string>& /*cell*/) {
  return {};
}

Expected<std::shared_ptr<const ResourceRequest>> Asked(ResourceRequestSpec spec,
                                                       const ResourceRequestOptions& options) {
  ASSIGN_OR_RETURN(ResourceRequest request, ResourcesFromRequestSpec(spec, NoNodes, options));
  RETURN_IF_ERROR(CheckCandidatesQuery(request));
  return std::make_shared<const ResourceRequest>(std::move(request));
}

}  // namespace

Status Conductor::Impl::AskPlacement(const std::string& disk_format, PlacementRequest& placement) {
  ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(placement.image_properties));
  ASSIGN_OR_RETURN(placement.numa_topology,
                   hardware::NumaConstraints({.flavor = placement.flavor,
                                              .image = image,
                                              .image_has_id = !placement.image_id.empty()}));
  // No pci_requests: agents pass no devices through, they refuse a flavor that names an alias.
  ResourceRequestSpec spec;
  spec.flavor = placement.flavor;
  spec.image_properties = placement.image_properties;
  RequestFilterInput input;
  input.options = options_.request_filters;
  input.aggregates = aggregate_metadata_;
  input.project_id = placement.project_id;
  // Nova's zones are aggregates alone. Of one that hosts also name for themselves only the zone
  // filter knows all hosts.
  if (ZoneIsAggregates(placement.availability_zone)) {
    input.availability_zone = placement.availability_zone;
  }
  input.disk_format = disk_format;
  RETURN_IF_ERROR(ApplyRequestFilters(input, spec));
  ASSIGN_OR_RETURN(placement.resource_request, Asked(spec, {}));
  placement.resources = placement.resource_request->MergedResources();
  if (!placement.resource_request->cpu_pinning_requested) return OkStatus();
  ASSIGN_OR_RETURN(placement.vcpu_fallback, Asked(std::move(spec), {.translate_pinning = false}));
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
