// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/providers/allocation_candidates.h"

#include <algorithm>

#include "scheduler/core/providers/candidate_search.h"

namespace kilonova::scheduler::core {
namespace {

Status Refused(std::string_view field, const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kFlavorInvalid, message,
               {{"field", std::string(field)}});
}

std::string NameOf(const RequestGroup& group) {
  return group.suffix.empty() ? "the unsuffixed group" : "group " + group.suffix;
}

Status CheckGroup(const RequestGroup& group,
                  const std::vector<std::vector<std::string>>& subtrees) {
  const bool in_subtree = std::ranges::any_of(subtrees, [&](const auto& suffixes) {
    return std::ranges::find(suffixes, group.suffix) != suffixes.end();
  });
  if (group.resources.empty() && !in_subtree) {
    return Refused("resources" + group.suffix, NameOf(group) + " asks for traits but no resources");
  }
  const auto forbidden = [&](const std::string& trait) {
    return group.forbidden_traits.contains(trait);
  };
  const auto conflict = std::ranges::find_if(group.required_traits, forbidden);
  if (conflict != group.required_traits.end()) {
    return Refused("trait" + group.suffix + ":" + *conflict,
                   NameOf(group) + " both requires and forbids trait " + *conflict);
  }
  for (const auto& any : group.any_traits) {
    if (std::ranges::all_of(any, forbidden)) {
      return Refused("trait" + group.suffix,
                     NameOf(group) + " forbids every trait it wants one of");
    }
  }
  return OkStatus();
}

}  // namespace

Status CheckCandidatesQuery(const ResourceRequest& request) {
  const auto& level = request.level;
  if (std::ranges::all_of(request.groups, [](const auto& g) { return g.resources.empty(); })) {
    return Refused("resources", "the request asks for no resources");
  }
  for (const RequestGroup& group : request.groups) {
    RETURN_IF_ERROR(CheckGroup(group, level.same_subtree));
  }
  if (request.SuffixedGroups() > 1 && request.group_policy.empty()) {
    return Refused("group_policy", "more than one suffixed group needs a group_policy");
  }
  for (const auto& suffixes : level.same_subtree) {
    for (const std::string& suffix : suffixes) {
      if (suffix.empty() || request.Find(suffix) == nullptr) {
        return Refused("same_subtree", "same_subtree names a group that is not there");
      }
    }
  }
  for (const std::string& trait : level.root_required) {
    if (level.root_forbidden.contains(trait)) {
      return Refused("root_required", "the host must both have and not have trait " + trait);
    }
  }
  return OkStatus();
}

std::vector<AllocationCandidate> AllocationCandidates(std::span<const Provider> providers,
                                                      const ResourceRequest& request,
                                                      std::size_t limit) {
  const ProviderForest forest(providers);
  CandidateSearch search(forest, request);
  std::vector<AllocationCandidate> found;
  for (const std::size_t root : forest.Roots()) {
    if (limit != 0 && found.size() >= limit) break;
    search.Search(root, limit, found);
  }
  return found;
}

}  // namespace kilonova::scheduler::core
