// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/resource_request/resource_request.h"

#include <algorithm>

namespace kilonova::scheduler::core {

const RequestGroup* ResourceRequest::Find(std::string_view suffix) const {
  const auto found = std::ranges::find(groups, suffix, &RequestGroup::suffix);
  return found == groups.end() ? nullptr : &*found;
}

RequestGroup& ResourceRequest::Group(std::string_view suffix) {
  const auto found = std::ranges::find(groups, suffix, &RequestGroup::suffix);
  if (found != groups.end()) return *found;
  groups.emplace_back().suffix = suffix;
  return groups.back();
}

std::size_t ResourceRequest::SuffixedGroups() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(groups, [](const RequestGroup& g) { return g.use_same_provider(); }));
}

model::Resources ResourceRequest::MergedResources() const {
  model::Resources merged;
  for (const RequestGroup& group : groups) {
    for (const auto& [name, amount] : group.resources) merged[name] += amount;
  }
  return merged;
}

TraitNames ResourceRequest::AllRequiredTraits() const {
  TraitNames traits;
  for (const RequestGroup& group : groups) {
    traits.insert(group.required_traits.begin(), group.required_traits.end());
  }
  return traits;
}

void ResourceRequest::StripZeros() {
  for (RequestGroup& group : groups) group.StripZeros();
  std::erase_if(groups, [](const RequestGroup& group) { return group.IsEmpty(); });
}

}  // namespace kilonova::scheduler::core
