// SPDX-License-Identifier: Apache-2.0
// The request as the query of Placement's GET /allocation_candidates.
#include <algorithm>
#include <utility>

#include "scheduler/core/resource_request/resource_request.h"

namespace kilonova::scheduler::core {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

std::string Join(const std::vector<std::string>& texts) {
  std::string joined;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) joined += ',';
    joined += texts[i];
  }
  return joined;
}

template <class Texts>
std::string Sorted(const Texts& texts) {
  std::vector<std::string> sorted(texts.begin(), texts.end());
  std::ranges::sort(sorted);
  return Join(sorted);
}

std::string Traits(const TraitNames& required, const TraitNames& forbidden) {
  std::vector<std::string> traits(required.begin(), required.end());
  for (const auto& trait : forbidden) traits.push_back("!" + trait);
  return Join(traits);
}

void AddGroup(const RequestGroup& group, Parameters& parameters) {
  const auto add = [&](std::string_view name, std::string value) {
    parameters.emplace_back(std::string(name) + group.suffix, std::move(value));
  };
  std::vector<std::string> resources;
  for (const auto& [name, amount] : group.resources) {
    resources.push_back(name + ":" + std::to_string(amount));
  }
  add("resources", Sorted(resources));
  if (std::string traits = Traits(group.required_traits, group.forbidden_traits); !traits.empty()) {
    add("required", std::move(traits));
  }
  for (const auto& any : group.any_traits) add("required", "in:" + Sorted(any));
  for (const auto& any : group.aggregates) add("member_of", "in:" + Sorted(any));
  if (!group.in_tree.empty()) add("in_tree", group.in_tree);
  if (!group.forbidden_aggregates.empty()) {
    add("member_of", "!in:" + Sorted(group.forbidden_aggregates));
  }
}

// application/x-www-form-urlencoded: space is '+', all but letters, digits and _.-~ is escaped.
void AppendEncoded(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '.' || c == '-' || c == '~';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
}

}  // namespace

std::string ResourceRequest::ToQueryString() const {
  Parameters parameters;
  if (limit) parameters.emplace_back("limit", std::to_string(*limit));
  if (!group_policy.empty()) parameters.emplace_back("group_policy", group_policy);
  if (!level.root_required.empty() || !level.root_forbidden.empty()) {
    parameters.emplace_back("root_required", Traits(level.root_required, level.root_forbidden));
  }
  for (const auto& suffixes : level.same_subtree) {
    parameters.emplace_back("same_subtree", Sorted(suffixes));
  }
  for (const RequestGroup& group : groups) AddGroup(group, parameters);
  std::ranges::sort(parameters);
  std::string query;
  for (const auto& [name, value] : parameters) {
    if (!query.empty()) query += '&';
    AppendEncoded(query, name);
    query += '=';
    AppendEncoded(query, value);
  }
  return query;
}

}  // namespace kilonova::scheduler::core
