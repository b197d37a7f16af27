// SPDX-License-Identifier: Apache-2.0
// How Nova makes a request out of a request spec.
#include <algorithm>

#include "common/base/python_text.h"
#include "common/hardware/errors.h"
#include "scheduler/core/resource_request/resource_request.h"
#include "scheduler/core/resource_request/translate.h"

namespace kilonova::scheduler::core {
namespace {

struct GroupKey {
  std::string_view prefix, suffix, name;
};

bool IsSuffixCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// "resources_NET:VGPU" -> resources, _NET, VGPU. Nothing for a key that is of another kind.
std::optional<GroupKey> ParseGroupKey(std::string_view key) {
  // Nova's pattern ends at a line's end, and a line has no line feed in it.
  if (key.ends_with('\n')) key.remove_suffix(1);
  if (key.find('\n') != std::string_view::npos) return std::nullopt;
  for (const std::string_view prefix : {"resources", "trait"}) {
    if (!key.starts_with(prefix)) continue;
    const std::size_t colon = key.find(':');
    if (colon == std::string_view::npos || colon < prefix.size()) return std::nullopt;
    const auto suffix = key.substr(prefix.size(), colon - prefix.size());
    if (suffix.size() > 64 || !std::ranges::all_of(suffix, IsSuffixCharacter)) return std::nullopt;
    return GroupKey{prefix, suffix, key.substr(colon + 1)};
  }
  return std::nullopt;
}

void AddExtraSpecs(const model::ExtraSpecs& extra_specs, ResourceRequest& request) {
  for (const auto& [key, value] : extra_specs) {
    if (key == "group_policy") {
      if (value == "none" || value == "isolate") request.group_policy = value;
      continue;
    }
    const auto parsed = ParseGroupKey(key);
    if (!parsed) continue;
    RequestGroup& group = request.Group(parsed->suffix);
    if (parsed->prefix == "trait") {
      group.AddTrait(parsed->name, value);
    } else {
      group.AddResource(parsed->name, value);
    }
  }
}

void AddImageTraits(const std::map<std::string, std::string>& properties,
                    ResourceRequest& request) {
  constexpr std::string_view kPrefix = "trait:";
  for (auto at = properties.lower_bound(std::string(kPrefix));
       at != properties.end() && at->first.starts_with(kPrefix); ++at) {
    if (at->second != "required") continue;
    request.Group("").AddTrait(std::string_view(at->first).substr(kPrefix.size()), "required");
  }
}

Status AddRequestedGroups(const std::vector<RequestGroup>& groups, ResourceRequest& request) {
  for (const RequestGroup& group : groups) {
    if (group.suffix.empty()) {
      return hardware::FlavorRefused("ValueError", "requested_resources",
                                     "a requested group must say who requests it");
    }
    if (group.IsEmpty()) {
      return hardware::FlavorRefused("ValueError", "requested_resources",
                                     "the group of " + group.suffix + " requests nothing");
    }
    if (request.Find(group.suffix) != nullptr) {
      return hardware::FlavorRefused("RequestGroupSuffixConflict", "requested_resources",
                                     "two groups have the suffix " + group.suffix);
    }
    request.groups.push_back(group);
  }
  return OkStatus();
}

// The flavor's sizes, but for classes an extra spec speaks of, be it with amount 0.
void AddSizes(const ResourceRequestSpec& spec, ResourceRequest& request) {
  const model::Flavor& flavor = spec.flavor;
  const model::Resources merged = request.MergedResources();
  RequestGroup& group = request.Group("");
  if (!merged.contains("VCPU") && !merged.contains("PCPU")) {
    group.resources["VCPU"] = flavor.vcpus;
  }
  if (!merged.contains("MEMORY_MB")) group.resources["MEMORY_MB"] = flavor.memory_mb;
  if (merged.contains("DISK_GB")) return;
  const std::int64_t disk =
      flavor.ephemeral_gb + (flavor.swap_mb + 1023) / 1024 + (spec.is_bfv ? 0 : flavor.root_gb);
  if (disk != 0) group.resources["DISK_GB"] = disk;
}

Status AddDestination(ResourceRequestSpec& spec, FindComputeNodes find, ResourceRequest& request) {
  std::optional<std::string> host, node, cell;
  Destination* destination = spec.requested_destination ? &*spec.requested_destination : nullptr;
  if (destination != nullptr) {
    host = destination->host;
    node = destination->node;
    cell = destination->cell;
    if (!destination->aggregates.empty()) {
      auto& aggregates = request.Group("").aggregates;
      aggregates.clear();
      for (const std::string& one_of : destination->aggregates) {
        const auto uuids = PySplitComma(one_of);
        aggregates.emplace_back(uuids.begin(), uuids.end());
      }
    }
    if (!destination->forbidden_aggregates.empty()) {
      request.Group("").forbidden_aggregates.insert(destination->forbidden_aggregates.begin(),
                                                    destination->forbidden_aggregates.end());
    }
  }
  const auto named = [](const std::optional<std::string>& text) { return text && !text->empty(); };
  if (!named(host) && named(spec.force_host)) host = spec.force_host;
  if (!named(node) && named(spec.force_node)) node = spec.force_node;
  if (!named(host) && !named(node)) return OkStatus();
  const std::vector<ComputeNode> nodes = find(host, node, cell);
  if (nodes.empty()) {
    return Error(Code::kNotFound, reason::kNoValidHost, "no such host or node",
                 {{hardware::kNovaException, "NoValidHost"}});
  }
  if (nodes.size() > 1) {
    // Placement takes one tree only, so it must tell of all and none may be cut off.
    request.limit.reset();
    return OkStatus();
  }
  if (destination != nullptr) {
    destination->host = nodes.front().host;
    destination->node = nodes.front().node;
  }
  request.Group("").in_tree = nodes.front().uuid;
  return OkStatus();
}

std::size_t SuffixedExtraSpecGroups(const model::ExtraSpecs& extra_specs) {
  ResourceRequest request;
  AddExtraSpecs(extra_specs, request);
  return request.SuffixedGroups();
}

}  // namespace

Expected<ResourceRequest> ResourceRequestFrom(const ResourceRequestSpec& spec,
                                              const ResourceRequestOptions& options) {
  ResourceRequest request;
  request.limit = options.max_placement_results;
  request.level = spec.request_level_params;
  AddExtraSpecs(spec.flavor.extra_specs, request);
  AddImageTraits(spec.image_properties, request);
  ASSIGN_OR_RETURN(const Translator translator, Translator::For(spec));
  if (options.translate_pinning) RETURN_IF_ERROR(translator.AddPinning(request));
  RETURN_IF_ERROR(AddRequestedGroups(spec.requested_resources, request));
  AddSizes(spec, request);
  RETURN_IF_ERROR(translator.AddFeatures(request));
  request.StripZeros();
  return request;
}

Expected<ResourceRequest> ResourcesFromRequestSpec(ResourceRequestSpec& spec, FindComputeNodes find,
                                                   const ResourceRequestOptions& options) {
  ASSIGN_OR_RETURN(ResourceRequest request, ResourceRequestFrom(spec, options));
  RETURN_IF_ERROR(AddDestination(spec, find, request));
  // Which hosts share a group is for the filters to say, and they must see all hosts.
  if (spec.has_affinity_hint) request.limit.reset();
  // Placement wants a policy for two groups. A flavor of two must name it; for ports Nova does.
  if (request.SuffixedGroups() >= 2 && request.group_policy.empty() &&
      SuffixedExtraSpecGroups(spec.flavor.extra_specs) <= 1) {
    request.group_policy = "none";
  }
  return request;
}

Expected<model::Resources> ResourcesFromFlavor(const model::Flavor& flavor, bool is_bfv) {
  ResourceRequestSpec spec;
  spec.flavor = flavor;
  spec.has_image = false;
  spec.is_bfv = is_bfv;
  ASSIGN_OR_RETURN(const ResourceRequest request, ResourceRequestFrom(spec, {}));
  return request.MergedResources();
}

}  // namespace kilonova::scheduler::core
