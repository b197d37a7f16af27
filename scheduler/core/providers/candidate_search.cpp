// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/providers/candidate_search.h"

#include <algorithm>

namespace kilonova::scheduler::core {
namespace {

bool InAnyOf(const Provider& provider, const std::vector<std::string>& aggregates) {
  return std::ranges::any_of(
      aggregates, [&](const std::string& uuid) { return provider.aggregates.contains(uuid); });
}

bool InAllOf(const Provider& provider, const std::vector<std::vector<std::string>>& aggregates) {
  return std::ranges::all_of(aggregates, [&](const auto& any) { return InAnyOf(provider, any); });
}

bool InForbidden(const Provider& provider, const RequestGroup& group) {
  return std::ranges::any_of(group.forbidden_aggregates, [&](const std::string& uuid) {
    return provider.aggregates.contains(uuid);
  });
}

bool HasAny(const TraitNames& have, const TraitNames& wanted) {
  return std::ranges::any_of(wanted, [&](const auto& trait) { return have.contains(trait); });
}

bool HasAll(const TraitNames& have, const TraitNames& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& trait) { return have.contains(trait); });
}

bool HasWanted(const TraitNames& have, const RequestGroup& group) {
  return HasAll(have, group.required_traits) &&
         std::ranges::all_of(group.any_traits, [&](const auto& any) { return HasAny(have, any); });
}

std::int64_t UsedOf(const Provider& provider, std::string_view resource_class) {
  const auto used = provider.used.find(resource_class);
  return used == provider.used.end() ? 0 : used->second;
}

bool Takes(const Provider& provider, std::string_view resource_class, std::int64_t amount) {
  const auto found = provider.inventories.find(resource_class);
  if (found == provider.inventories.end()) return false;
  return found->second.AllowsUnit(amount) &&
         UsedOf(provider, resource_class) + amount <= found->second.Capacity();
}

}  // namespace

CandidateSearch::CandidateSearch(const ProviderForest& forest, const ResourceRequest& request)
    : forest_(forest), request_(request) {
  for (const RequestGroup& group : request.groups) {
    std::size_t tree = ProviderForest::kNone;
    if (!group.in_tree.empty()) {
      const std::size_t named = forest.Find(group.in_tree);
      impossible_ = impossible_ || named == ProviderForest::kNone;
      if (named != ProviderForest::kNone) tree = forest.RootOf(named);
    }
    in_tree_.push_back(tree);
  }
}

bool CandidateSearch::RootQualifies(const Provider& root) const {
  return HasAll(root.traits, request_.level.root_required) &&
         !HasAny(root.traits, request_.level.root_forbidden);
}

bool CandidateSearch::Serves(const Slot& slot, const RequestGroup& group, std::size_t provider,
                             std::size_t root) const {
  const Provider& self = forest_.at(provider);
  if (HasAny(self.traits, group.forbidden_traits)) return false;
  // Placement looks at in_tree where it looks for resources.
  const std::size_t tree = in_tree_[slot.group];
  if (tree != ProviderForest::kNone && !slot.resources.empty() &&
      forest_.RootOf(provider) != tree) {
    return false;
  }
  for (const auto& [name, amount] : slot.resources) {
    if (!Takes(self, name, amount)) return false;
  }
  if (group.use_same_provider()) {
    return HasWanted(self.traits, group) && InAllOf(self, group.aggregates) &&
           !InForbidden(self, group);
  }
  // An aggregate of the root is one of the whole tree. What another tree shares must be in the
  // wanted aggregates itself.
  const Provider& anchor = forest_.at(root);
  if (InForbidden(self, group) || InForbidden(anchor, group)) return false;
  if (forest_.RootOf(provider) != root) return InAllOf(self, group.aggregates);
  return InAllOf(self, group.aggregates) || InAllOf(anchor, group.aggregates);
}

void CandidateSearch::Search(std::size_t root, std::size_t limit,
                             std::vector<AllocationCandidate>& found) {
  if (impossible_ || !RootQualifies(forest_.at(root))) return;
  const std::vector<std::size_t> serving = forest_.ServingProviders(root);
  slots_.clear();
  for (std::size_t g = 0; g < request_.groups.size(); ++g) {
    const RequestGroup& group = request_.groups[g];
    if (group.use_same_provider()) {
      Slot& slot = slots_.emplace_back();
      slot.group = g;
      slot.resources.assign(group.resources.begin(), group.resources.end());
    } else {
      for (const auto& [name, amount] : group.resources) {
        slots_.push_back({g, {{name, amount}}, {}});
      }
    }
  }
  for (Slot& slot : slots_) {
    const RequestGroup& group = request_.groups[slot.group];
    for (const std::size_t provider : serving) {
      // The unsuffixed group of a tree that is named takes nothing that another tree shares.
      const bool foreign = forest_.RootOf(provider) != root;
      if (foreign && !group.use_same_provider() && !group.in_tree.empty()) continue;
      if (Serves(slot, group, provider, root)) slot.providers.push_back(provider);
    }
    if (slot.providers.empty()) return;
  }
  root_ = root;
  limit_ = limit;
  steps_ = 0;
  chosen_.clear();
  found_ = &found;
  Choose(0);
}

// What earlier slots took already counts, and with policy isolate no two suffixed groups share a
// provider.
bool CandidateSearch::MayChoose(std::size_t slot, std::size_t provider) const {
  const Slot& wanted = slots_[slot];
  const bool isolate =
      request_.group_policy == "isolate" && request_.groups[wanted.group].use_same_provider();
  for (const auto& [name, amount] : wanted.resources) {
    std::int64_t sum = amount;
    for (std::size_t s = 0; s < slot; ++s) {
      if (chosen_[s] != provider) continue;
      for (const auto& [other, more] : slots_[s].resources) sum += other == name ? more : 0;
    }
    const auto& inventory = forest_.at(provider).inventories.find(name)->second;
    if (sum > inventory.max_unit ||
        UsedOf(forest_.at(provider), name) + sum > inventory.Capacity()) {
      return false;
    }
  }
  for (std::size_t s = 0; isolate && s < slot; ++s) {
    if (chosen_[s] == provider && request_.groups[slots_[s].group].use_same_provider()) {
      return false;
    }
  }
  return true;
}

void CandidateSearch::Choose(std::size_t slot) {
  if (slot == slots_.size()) {
    Add();
    return;
  }
  for (const std::size_t provider : slots_[slot].providers) {
    if (++steps_ > kMostCombinations || (limit_ != 0 && found_->size() >= limit_)) return;
    if (!MayChoose(slot, provider)) continue;
    chosen_.push_back(provider);
    Choose(slot + 1);
    chosen_.pop_back();
  }
}

// Providers of the unsuffixed group have its traits together.
bool CandidateSearch::TraitsTogether(std::size_t group) const {
  TraitNames together;
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    if (slots_[s].group != group) continue;
    const TraitNames& traits = forest_.at(chosen_[s]).traits;
    together.insert(traits.begin(), traits.end());
  }
  return HasWanted(together, request_.groups[group]);
}

// One of the providers chosen for the groups is above all of them.
bool CandidateSearch::SubtreesHold() const {
  for (const auto& suffixes : request_.level.same_subtree) {
    std::vector<std::size_t> members;
    for (std::size_t s = 0; s < slots_.size(); ++s) {
      if (std::ranges::find(suffixes, request_.groups[slots_[s].group].suffix) != suffixes.end()) {
        members.push_back(chosen_[s]);
      }
    }
    const bool below_one = std::ranges::any_of(members, [&](std::size_t top) {
      return std::ranges::all_of(
          members, [&](std::size_t member) { return forest_.IsAncestorOrSelf(top, member); });
    });
    if (!below_one) return false;
  }
  return true;
}

void CandidateSearch::Add() {
  for (std::size_t g = 0; g < request_.groups.size(); ++g) {
    if (!request_.groups[g].use_same_provider() && !TraitsTogether(g)) return;
  }
  if (!SubtreesHold()) return;
  AllocationCandidate candidate;
  candidate.anchor = forest_.at(root_).uuid;
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    const std::string& uuid = forest_.at(chosen_[s]).uuid;
    candidate.mappings[request_.groups[slots_[s].group].suffix].insert(uuid);
    for (const auto& [name, amount] : slots_[s].resources) {
      candidate.allocations[{uuid, std::string(name)}] += amount;
    }
  }
  if (std::ranges::find(*found_, candidate) == found_->end()) {
    found_->push_back(std::move(candidate));
  }
}

}  // namespace kilonova::scheduler::core
