// SPDX-License-Identifier: Apache-2.0
// One group of a resource request, as Placement's GET /allocation_candidates names them: the
// unsuffixed group, which several providers of a host may serve together, and groups with a suffix,
// each of which one provider serves alone.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/resources.h"

namespace kilonova::scheduler::core {

using TraitNames = std::set<std::string, std::less<>>;

struct RequestGroup {
  std::string suffix;  // "" = the unsuffixed group; else who asks: "1", "_NET", a port's uuid
  model::Resources resources;
  TraitNames required_traits, forbidden_traits;
  std::vector<TraitNames> any_traits;  // of each set one at least
  // Of each list one aggregate (uuid) at least; of `forbidden_aggregates` none.
  std::vector<std::vector<std::string>> aggregates;
  std::set<std::string> forbidden_aggregates;
  std::string in_tree;  // uuid of a provider of the tree that must serve the group; "" = any

  bool use_same_provider() const { return !suffix.empty(); }
  // As Nova reads extra specs: a class it does not know, and an amount that is not an integer of 0
  // or more, are passed over. An amount beyond 2^31-1, which no inventory can serve, becomes 2^31.
  void AddResource(std::string_view resource_class, std::string_view amount);
  // `type` is "required" or "forbidden"; another is passed over.
  void AddTrait(std::string_view trait, std::string_view type);
  // Asks for nothing. `in_tree` alone is nothing.
  bool IsEmpty() const;
  void StripZeros();

  friend bool operator==(const RequestGroup&, const RequestGroup&) = default;
};

}  // namespace kilonova::scheduler::core
