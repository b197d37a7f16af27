// SPDX-License-Identifier: Apache-2.0
// What an instance asks of Placement: Nova's ResourceRequest. Made of the flavor, its extra specs,
// the image's properties, ports' requests and the destination; the same groups, amounts and traits
// Nova would send.
//
//   ASSIGN_OR_RETURN(ResourceRequest request, ResourcesFromRequestSpec(spec, nodes, {}));
//   request.ToQueryString();  // "limit=1000&resources=MEMORY_MB%3A512%2CVCPU%3A1"
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/resource_request/request_spec.h"

namespace kilonova::scheduler::core {

struct ResourceRequestOptions {
  // Extra specs and image properties about CPU policies become PCPU and traits.
  bool translate_pinning = true;
  std::int64_t max_placement_results = 1000;  // Nova's [scheduler] option of this name
};

struct ResourceRequest {
  std::vector<RequestGroup> groups;  // each suffix once, in the order they came up
  std::string group_policy;          // "isolate", "none", or "" = none given
  std::optional<std::int64_t> limit;
  RequestLevelParams level;
  bool cpu_pinning_requested = false;

  const RequestGroup* Find(std::string_view suffix) const;
  RequestGroup& Group(std::string_view suffix);  // made when there is none
  std::size_t SuffixedGroups() const;
  // Of all groups, amounts of one class added up.
  model::Resources MergedResources() const;
  TraitNames AllRequiredTraits() const;
  void StripZeros();  // and groups that then ask for nothing
  // As Nova's scheduler sends it: sorted, URL-encoded.
  std::string ToQueryString() const;
  friend bool operator==(const ResourceRequest&, const ResourceRequest&) = default;
};

// Without the destination. INVALID_ARGUMENT with detail "nova_exception" (hardware/errors.h)
// for extra specs and image properties that contradict each other, and for a requested
// group that has no suffix, asks for nothing (ValueError) or has a suffix of the flavor's
// (RequestGroupSuffixConflict).
Expected<ResourceRequest> ResourceRequestFrom(const ResourceRequestSpec& spec,
                                              const ResourceRequestOptions& options);

// The compute nodes of that host, node and cell; each may be absent.
using FindComputeNodes = absl::FunctionRef<std::vector<ComputeNode>(
    const std::optional<std::string>& host, const std::optional<std::string>& node,
    const std::optional<std::string>& cell)>;

// The whole of it, destination included. A host or node asked for that `find` does not know:
// NOT_FOUND/NO_VALID_HOST (Nova: NoValidHost). When it is one node, the destination's host and node
// are set to it, as Nova does.
Expected<ResourceRequest> ResourcesFromRequestSpec(ResourceRequestSpec& spec, FindComputeNodes find,
                                                   const ResourceRequestOptions& options);

// Class -> amount of the flavor alone, extra specs included, image left out.
Expected<model::Resources> ResourcesFromFlavor(const model::Flavor& flavor, bool is_bfv);

}  // namespace kilonova::scheduler::core
