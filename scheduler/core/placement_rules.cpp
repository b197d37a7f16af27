// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/placement_rules.h"

#include <algorithm>

namespace kilonova::scheduler::core {
namespace {

bool InAggregate(const std::vector<Aggregate>& aggregates, const std::string& uuid) {
  return std::ranges::find(aggregates, uuid, &Aggregate::uuid) != aggregates.end();
}

void Append(std::string& text, const std::string& piece) {
  if (!text.empty()) text += ", ";
  text += piece;
}

std::string OneOf(const auto& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : " or ") + name;
  return text;
}

template <class Compute>
bool Remembered(std::vector<std::uint8_t>& verdicts, std::uint32_t id, std::size_t size,
                Compute compute) {
  if (verdicts.size() < size) verdicts.resize(size);
  if (verdicts[id] == 0) verdicts[id] = compute() ? 2 : 1;
  return verdicts[id] == 2;
}

}  // namespace

PlacementRules::PlacementRules(const PlacementRequest& request)
    : request_(request.resource_request.get()) {
  if (request_ == nullptr) return;
  required_ = request_->level.root_required;
  forbidden_ = request_->level.root_forbidden;
  bool aggregates = false;
  std::map<std::string_view, int> groups_of;
  for (const RequestGroup& group : request_->groups) {
    required_.insert(group.required_traits.begin(), group.required_traits.end());
    forbidden_.insert(group.forbidden_traits.begin(), group.forbidden_traits.end());
    any_.insert(any_.end(), group.any_traits.begin(), group.any_traits.end());
    aggregates |=
        !group.aggregates.empty() || !group.forbidden_aggregates.empty() || !group.in_tree.empty();
    by_host_ |= !group.in_tree.empty();
    for (const auto& [name, amount] : group.resources) ++groups_of[name];
  }
  for (const RequestGroup& group : request_->groups) {
    for (const auto& [name, amount] : group.resources) {
      if (groups_of[name] > 1) units_.emplace_back(name, amount);
    }
  }
  by_host_ |= !units_.empty();
  never_ = request_->group_policy == "isolate" && request_->SuffixedGroups() > 1;
  empty_ = required_.empty() && forbidden_.empty() && any_.empty() && !aggregates &&
           units_.empty() && !never_;
}

bool PlacementRules::TraitsMeet(const Words& traits, bool disabled) const {
  const auto has = [&](const std::string& trait) {
    return (disabled && trait == kStatusDisabled) ||
           std::ranges::find(traits, trait) != traits.end();
  };
  return std::ranges::all_of(required_, has) && std::ranges::none_of(forbidden_, has) &&
         std::ranges::all_of(any_,
                             [&](const TraitNames& any) { return std::ranges::any_of(any, has); });
}

bool PlacementRules::AggregatesMeet(const std::vector<Aggregate>& aggregates) const {
  const auto in = [&](const std::string& uuid) { return InAggregate(aggregates, uuid); };
  return std::ranges::all_of(request_->groups, [&](const RequestGroup& group) {
    return std::ranges::none_of(group.forbidden_aggregates, in) &&
           std::ranges::all_of(group.aggregates,
                               [&](const auto& any) { return std::ranges::any_of(any, in); });
  });
}

bool PlacementRules::UnitsMeet(const Fleet& fleet, HostIndex host) const {
  const auto& inventories = fleet.Record(host).inventories;
  return std::ranges::all_of(units_, [&](const auto& unit) {
    const auto found = inventories.find(unit.first);
    return found != inventories.end() && found->second.AllowsUnit(unit.second);
  });
}

bool PlacementRules::Meets(const Fleet& fleet, HostIndex host) const {
  if (never_) return false;
  const HostRecord& record = fleet.Record(host);
  const bool disabled = (fleet.flags[host] & Fleet::kEnabled) == 0;
  if (!Remembered(by_traits_[disabled ? 1 : 0], record.traits, fleet.trait_lists.Size(),
                  [&] { return TraitsMeet(fleet.trait_lists[record.traits], disabled); })) {
    return false;
  }
  const std::uint32_t aggregates = fleet.aggregates[host];
  if (!Remembered(by_aggregates_, aggregates, fleet.aggregate_lists.Size(),
                  [&] { return AggregatesMeet(fleet.aggregate_lists[aggregates]); })) {
    return false;
  }
  const bool in_tree = std::ranges::all_of(request_->groups, [&](const RequestGroup& group) {
    return group.in_tree.empty() || group.in_tree == record.uuid;
  });
  return in_tree && UnitsMeet(fleet, host);
}

Judgement PlacementRules::Judge(const Fleet& fleet, HostIndex host) const {
  return empty_ || Meets(fleet, host) ? Judgement::kPass : Judgement::kRefuse;
}

Status PlacementRules::Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const {
  if (!empty_) KeepIf(hosts, [&](HostIndex host) { return Meets(fleet, host); });
  return OkStatus();
}

void PlacementRules::Describe(const Fleet& fleet, HostIndex host, FilterVerdict& verdict) const {
  if (empty_) return;
  const HostRecord& record = fleet.Record(host);
  const Words& traits = fleet.trait_lists[record.traits];
  const bool disabled = (fleet.flags[host] & Fleet::kEnabled) == 0;
  const auto has = [&](const std::string& trait) {
    return (disabled && trait == kStatusDisabled) ||
           std::ranges::find(traits, trait) != traits.end();
  };
  const auto tell = [&](bool met, const std::string& have, const std::string& need) {
    if (met) return;
    Append(verdict.have, have);
    Append(verdict.need, need);
  };
  for (const auto& trait : required_) tell(has(trait), "no trait " + trait, "trait " + trait);
  for (const auto& trait : forbidden_) {
    const bool status = trait == kStatusDisabled && !record.disabled_reason.empty();
    tell(!has(trait), "trait " + trait + (status ? " (" + record.disabled_reason + ")" : ""),
         "no trait " + trait);
  }
  for (const auto& any : any_) {
    tell(std::ranges::any_of(any, has), "no trait " + OneOf(any), "trait " + OneOf(any));
  }
  const auto& aggregates = fleet.aggregate_lists[fleet.aggregates[host]];
  const auto in = [&](const std::string& uuid) { return InAggregate(aggregates, uuid); };
  for (const RequestGroup& group : request_->groups) {
    for (const auto& any : group.aggregates) {
      tell(std::ranges::any_of(any, in), "another aggregate", "aggregate " + OneOf(any));
    }
    for (const auto& uuid : group.forbidden_aggregates) {
      tell(!in(uuid), "aggregate " + uuid, "another aggregate");
    }
  }
  tell(!never_, "one provider",
       "a provider for each of " + std::to_string(request_->SuffixedGroups()) + " groups");
  for (const auto& [name, amount] : units_) {
    const auto found = record.inventories.find(name);
    tell(found != record.inventories.end() && found->second.AllowsUnit(amount),
         name + " in other units", name + " " + std::to_string(amount) + " at once");
  }
}

}  // namespace kilonova::scheduler::core
