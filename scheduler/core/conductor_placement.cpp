// SPDX-License-Identifier: Apache-2.0
// What an instance asks of hosts' NUMA cells and of Placement, as Nova's API and scheduler would.
#include <utility>

#include "common/hardware/constraints.h"
#include "common/model/standard_names.h"
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

Expected<std::vector<hardware::PciRequest>> Conductor::Impl::PciRequestsOf(
    const model::Flavor& flavor, const hardware::ImageProps& image) const {
  ASSIGN_OR_RETURN(const auto policy,
                   hardware::PciNumaPolicyConstraint({.flavor = flavor, .image = image}));
  const auto asked = flavor.extra_specs.find(std::string(hardware::kPciAliasSpec));
  if (asked == flavor.extra_specs.end()) return std::vector<hardware::PciRequest>();
  return options_.pci_aliases.RequestsFor(asked->second, policy);
}

// Placement answers 400 to a trait it does not know. An operator's own that is required is left to
// the hosts: the refusal then says that none has it.
Status Conductor::Impl::CheckTraits(const ResourceRequest& request) {
  const auto known = [this](const std::string& trait) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return model::IsStandardTrait(trait) || traits_.contains(trait);
  };
  const auto unknown = [](const RequestGroup& group, const std::string& trait) {
    return Error(Code::kInvalidArgument, reason::kFlavorInvalid,
                 "no trait " + trait + " is known: it is no standard trait and no host ever had it",
                 {{"field", "trait" + group.suffix + ":" + trait}});
  };
  for (const RequestGroup& group : request.groups) {
    for (const std::string& trait : group.forbidden_traits) {
      if (!known(trait)) return unknown(group, trait);
    }
    for (const std::string& trait : group.required_traits) {
      if (!trait.starts_with("CUSTOM_") && !known(trait)) return unknown(group, trait);
    }
  }
  return OkStatus();
}

std::string Conductor::Impl::DiskFormatOf(const std::string& image_id) {
  const auto uuid = Uuid::Parse(image_id);
  const auto found = uuid.ok() ? images_.find(*uuid) : images_.end();
  return found == images_.end() ? std::string() : found->second.source.disk_format;
}

Status Conductor::Impl::AskPlacement(const std::string& disk_format, PlacementRequest& placement) {
  ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(placement.image_properties));
  const hardware::GuestNeeds needs{
      .flavor = placement.flavor, .image = image, .image_has_id = !placement.image_id.empty()};
  RETURN_IF_ERROR(hardware::CheckFlavorWithImage(needs));
  ASSIGN_OR_RETURN(placement.numa_topology, hardware::NumaConstraints(needs));
  ASSIGN_OR_RETURN(placement.pci_requests, PciRequestsOf(placement.flavor, image));
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
  RETURN_IF_ERROR(CheckTraits(*placement.resource_request));
  placement.resources = placement.resource_request->MergedResources();
  placement.vcpu_fallback = nullptr;
  if (!placement.resource_request->cpu_pinning_requested || options_.disable_fallback_pcpu_query) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(placement.vcpu_fallback, Asked(std::move(spec), {.translate_pinning = false}));
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
