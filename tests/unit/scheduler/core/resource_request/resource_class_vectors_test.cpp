// SPDX-License-Identifier: Apache-2.0
// What Nova asks of Placement for a request is what we ask.
#include <gtest/gtest.h>

#include <iostream>

#include "common/hardware/errors.h"
#include "common/hardware/image_props.h"
#include "scheduler/core/request_filters/request_filter.h"
#include "scheduler/core/resource_request/resource_request.h"
#include "tests/unit/scheduler/core/vectors.h"

namespace kilonova::scheduler::core {
namespace {

using testing::Json;

std::optional<std::string> TextAt(const Json& json, const char* key) {
  if (!json.contains(key) || json.at(key).is_null()) return std::nullopt;
  return json.at(key).get<std::string>();
}

TraitNames TraitsFrom(const Json& json) {
  const auto names = json.get<std::vector<std::string>>();
  return {names.begin(), names.end()};
}

RequestGroup GroupFrom(const Json& json) {
  RequestGroup group;
  group.suffix = TextAt(json, "requester_id").value_or("");
  for (const auto& [name, amount] : json.at("resources").items()) group.resources[name] = amount;
  group.required_traits = TraitsFrom(json.at("required_traits"));
  return group;
}

Destination DestinationFrom(const Json& json) {
  Destination destination;
  destination.host = TextAt(json, "host");
  destination.node = TextAt(json, "node");
  destination.aggregates = json.value("aggregates", std::vector<std::string>{});
  destination.forbidden_aggregates = json.value("forbidden_aggregates", std::set<std::string>{});
  return destination;
}

ResourceRequestSpec SpecFrom(const Json& file, const Json& vector) {
  Json s = file.at("spec_defaults");
  for (const auto& [key, value] : vector.at("spec").items()) {
    if (key != "flavor") s[key] = value;
  }
  ResourceRequestSpec spec;
  spec.flavor = testing::RequestFrom(file, vector.at("spec")).flavor;
  if (s.at("image").is_object()) {
    const Json properties = s.at("image").value("properties", Json::object());
    for (const auto& [key, value] : properties.items()) {
      spec.image_properties[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  spec.is_bfv = s.at("is_bfv");
  for (const auto& group : vector.at("requested_resources")) {
    spec.requested_resources.push_back(GroupFrom(group));
  }
  if (const Json& level = vector.at("request_level_params"); level.is_object()) {
    spec.request_level_params = {TraitsFrom(level.at("root_required")),
                                 TraitsFrom(level.at("root_forbidden")), level.at("same_subtree")};
  }
  if (const Json& json = s.at("requested_destination"); json.is_object()) {
    spec.requested_destination = DestinationFrom(json);
  }
  if (!s.at("force_hosts").empty()) spec.force_host = s.at("force_hosts").at(0);
  if (!s.at("force_nodes").empty()) spec.force_node = s.at("force_nodes").at(0);
  for (const char* hint : {"group", "same_host", "different_host"}) {
    spec.has_affinity_hint |= s.at("scheduler_hints").contains(hint);
  }
  return spec;
}

Json ResourcesJson(const model::Resources& resources) {
  Json json = Json::object();
  for (const auto& [name, amount] : resources) json[name] = amount;
  return json;
}

Json GroupJson(const RequestGroup& group) {
  return {{"suffix", group.suffix.empty() ? Json() : Json(group.suffix)},
          {"use_same_provider", group.use_same_provider()},
          {"resources", ResourcesJson(group.resources)},
          {"required_traits", group.required_traits},
          {"forbidden_traits", group.forbidden_traits},
          {"aggregates", group.aggregates},
          {"forbidden_aggregates", group.forbidden_aggregates},
          {"in_tree", group.in_tree.empty() ? Json() : Json(group.in_tree)}};
}

// Groups by suffix and lists of sets sorted, so that order does not count where it has no meaning.
Json Canonical(Json result) {
  std::map<std::string, Json> groups;
  for (auto& group : result.at("groups")) {
    for (auto& any : group.at("aggregates")) std::sort(any.begin(), any.end());
    groups[group.at("suffix").dump()] = group;
  }
  result["groups"] = groups;
  std::sort(result.at("same_subtree").begin(), result.at("same_subtree").end());
  result.erase("query_params");  // the query string, parsed
  return result;
}

Json ResultJson(const ResourceRequest& request) {
  Json groups = Json::array();
  for (const RequestGroup& group : request.groups) groups.push_back(GroupJson(group));
  Json subtrees = Json::array();
  for (auto suffixes : request.level.same_subtree) {
    std::ranges::sort(suffixes);
    subtrees.push_back(suffixes);
  }
  return {{"groups", groups},
          {"group_policy", request.group_policy.empty() ? Json() : Json(request.group_policy)},
          {"limit", request.limit ? Json(*request.limit) : Json()},
          {"root_required", request.level.root_required},
          {"root_forbidden", request.level.root_forbidden},
          {"same_subtree", subtrees},
          {"merged_resources", ResourcesJson(request.MergedResources())},
          {"all_required_traits", request.AllRequiredTraits()},
          {"cpu_pinning_requested", request.cpu_pinning_requested},
          {"querystring", request.ToQueryString()}};
}

Json FlavorJson(const ResourceRequestSpec& spec) {
  const auto resources = ResourcesFromFlavor(spec.flavor, spec.is_bfv);
  if (resources.ok()) return ResourcesJson(*resources);
  // Without an image nothing can be at odds with it but encryption, which needs one for UEFI: there
  // Nova fails over the missing image's name.
  const std::string error = hardware::NovaExceptionOf(resources.status());
  return {{"error", error == "FlavorImageConflict" ? "NotImplementedError" : error}};
}

std::vector<ComputeNode> NodesOf(const Json& file, const std::optional<std::string>& host,
                                 const std::optional<std::string>& node) {
  std::vector<ComputeNode> found;
  for (const auto& n : file.at("compute_nodes")) {
    if ((!host || n.at("host") == *host) && (!node || n.at("node") == *node)) {
      found.push_back({n.at("host"), n.at("node"), n.at("uuid")});
    }
  }
  return found;
}

// As the request filters leave it, where the vector has something for them.
Status ApplyFilters(const Json& vector, ResourceRequestSpec& spec) {
  const Json filtered = vector.value("request_filters", Json());
  if (filtered.is_null()) return OkStatus();
  RequestFilterInput input;
  const Json& on = filtered.at("options");
  input.options = {on.at("limit_tenants_to_placement_aggregate"),
                   on.at("placement_aggregate_required_for_tenants"),
                   on.at("query_placement_for_availability_zone"),
                   on.at("query_placement_for_image_type_support"),
                   on.at("enable_isolated_aggregate_filtering"),
                   on.at("image_metadata_prefilter")};
  std::vector<AggregateMetadata> aggregates;
  for (const Json& aggregate : filtered.at("aggregates")) {
    aggregates.push_back({aggregate.at("uuid"), aggregate.at("metadata")});
  }
  const std::string project = filtered.at("project_id"), zone = filtered.at("availability_zone"),
                    format = filtered.at("disk_format");
  input.aggregates = aggregates;
  input.project_id = project;
  input.availability_zone = zone;
  input.disk_format = format;
  input.remote_managed_ports = filtered.at("remote_managed_ports");
  return ApplyRequestFilters(input, spec);
}

Json Answer(const Json& file, const Json& vector) {
  ResourceRequestSpec spec = SpecFrom(file, vector);
  if (const auto image = hardware::ImageProps::From(spec.image_properties); !image.ok()) {
    return {{"input_error", hardware::NovaExceptionOf(image.status())}};
  }
  ResourceRequestOptions options;
  options.translate_pinning = vector.at("enable_pinning_translate");
  options.max_placement_results =
      testing::Option(vector.at("config"), "scheduler.max_placement_results", 1000);
  const Json alone = FlavorJson(spec);
  const auto ask = [&]() -> Expected<ResourceRequest> {
    RETURN_IF_ERROR(ApplyFilters(vector, spec));
    return ResourcesFromRequestSpec(
        spec,
        [&](const auto& host, const auto& node, const auto& /*cell*/) {
          return NodesOf(file, host, node);
        },
        options);
  };
  const auto request = ask();
  Json result;
  if (request.ok()) {
    result = Canonical(ResultJson(*request));
    if (spec.requested_destination) {
      const auto& [host, node, cell, aggregates, forbidden] = *spec.requested_destination;
      if (host || node)
        result["destination_after"] = {{"host", host ? Json(*host) : Json()},
                                       {"node", node ? Json(*node) : Json()}};
    }
  } else {
    result = {{"error", hardware::NovaExceptionOf(request.status())}};
  }
  result["resources_from_flavor"] = alone;
  return result;
}

TEST(ResourceClassVectors, RequestsAreNovas) {
  const Json file = testing::LoadVectors("resource_class.json");
  int count = 0;
  for (const auto& vector : file.at("vectors")) {
    Json want = vector.at("result");
    if (want.contains("groups")) want = Canonical(std::move(want));
    EXPECT_EQ(Answer(file, vector).dump(2), want.dump(2))
        << vector.at("id").get<std::string>() << "\n"
        << vector.dump();
    ++count;
  }
  EXPECT_GT(count, 0);
  std::cout << "resource requests: " << count << "\n";
}

}  // namespace
}  // namespace kilonova::scheduler::core
