// SPDX-License-Identifier: Apache-2.0
// What an instance asks of Placement, as Nova's scheduler would ask.
#include <utility>

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
  ResourceRequestSpec spec;
  spec.flavor = placement.flavor;
  spec.image_properties = placement.image_properties;
  RequestFilterInput input;
  input.options = options_.request_filters;
  input.project_id = placement.project_id;
  input.availability_zone = placement.availability_zone;
  input.disk_format = disk_format;
  RETURN_IF_ERROR(ApplyRequestFilters(input, spec));
  ASSIGN_OR_RETURN(placement.resource_request, Asked(spec, {}));
  placement.resources = placement.resource_request->MergedResources();
  if (!placement.resource_request->cpu_pinning_requested) return OkStatus();
  ASSIGN_OR_RETURN(placement.vcpu_fallback, Asked(std::move(spec), {.translate_pinning = false}));
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
