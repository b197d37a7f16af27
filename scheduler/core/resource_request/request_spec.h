// SPDX-License-Identifier: Apache-2.0
// What Nova's RequestSpec tells the request for resources, in Nova's words.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/flavor.h"
#include "scheduler/core/resource_request/request_group.h"

namespace kilonova::scheduler::core {

// Asked of the request as a whole: traits of the host's root provider, and groups whose providers
// must be below one of them.
struct RequestLevelParams {
  TraitNames root_required, root_forbidden;
  std::vector<std::vector<std::string>> same_subtree;  // lists of suffixes
  friend bool operator==(const RequestLevelParams&, const RequestLevelParams&) = default;
};

// Nova's Destination. Absent and unset are the same.
struct Destination {
  std::optional<std::string> host, node, cell;
  std::vector<std::string> aggregates;  // all of these; each "uuid" or "uuid,uuid": one of them
  std::set<std::string> forbidden_aggregates;
};

struct ResourceRequestSpec {
  model::Flavor flavor;
  std::map<std::string, std::string> image_properties;
  bool has_image = true;  // false: only the flavor is asked about
  bool is_bfv = false;    // boots from a volume: the root disk takes no room on the host
  std::vector<RequestGroup> requested_resources;  // of ports and the like; suffix = who asks
  RequestLevelParams request_level_params;
  std::optional<Destination> requested_destination;
  std::optional<std::string> force_host, force_node;
  bool has_affinity_hint = false;  // a hint group, same_host or different_host
};

struct ComputeNode {
  std::string host, node, uuid;
  friend bool operator==(const ComputeNode&, const ComputeNode&) = default;
};

}  // namespace kilonova::scheduler::core
