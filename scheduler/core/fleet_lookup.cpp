// SPDX-License-Identifier: Apache-2.0
// Which hosts: by name, by node, by the instances they have.
#include <absl/container/flat_hash_set.h>
#include <absl/strings/ascii.h>

#include <algorithm>

#include "scheduler/core/fleet.h"

namespace kilonova::scheduler::core {

void Fleet::Index(HostIndex host) {
  const HostRecord& record = *records_[host];
  if (record.node != record.host) by_node_.emplace(record.node, host);
  std::string lower = absl::AsciiStrToLower(record.host);
  if (lower != record.host) by_lower_name_.emplace(std::move(lower), host);
}

void Fleet::Unindex(HostIndex host) {
  const HostRecord& record = *records_[host];
  if (record.node != record.host) by_node_.erase({record.node, host});
  std::string lower = absl::AsciiStrToLower(record.host);
  if (lower != record.host) by_lower_name_.erase({std::move(lower), host});
}

std::optional<HostIndex> Fleet::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

std::vector<HostIndex> Fleet::FindAnyCase(std::string_view name) const {
  const std::string lower = absl::AsciiStrToLower(absl::string_view(name.data(), name.size()));
  std::vector<HostIndex> hosts;
  if (const auto host = Find(lower)) hosts.push_back(*host);
  for (auto at = by_lower_name_.lower_bound({lower, 0});
       at != by_lower_name_.end() && at->first == lower; ++at) {
    hosts.push_back(at->second);
  }
  std::ranges::sort(hosts);
  return hosts;
}

std::vector<HostIndex> Fleet::FindNode(std::string_view node) const {
  std::vector<HostIndex> hosts;
  const auto same = Find(node);
  if (same && Record(*same).node == node) hosts.push_back(*same);
  for (auto at = by_node_.lower_bound({node, 0}); at != by_node_.end() && at->first == node; ++at) {
    hosts.push_back(at->second);
  }
  std::ranges::sort(hosts);
  return hosts;
}

std::vector<HostIndex> Fleet::HostsOf(const std::vector<std::string>& instance_uuids) const {
  std::vector<HostIndex> hosts;
  for (const auto& text : instance_uuids) {
    const auto uuid = Uuid::Parse(text);
    if (!uuid.ok()) continue;  // equals no instance's id
    const UuidKey key = core::KeyOf(*uuid);
    if (const auto* claim = FindClaim(key)) hosts.push_back(claim->host);
    if (const auto found = foreign_.find(key); found != foreign_.end()) {
      hosts.insert(hosts.end(), found->second.begin(), found->second.end());
    }
  }
  std::ranges::sort(hosts);
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  return hosts;
}

std::vector<HostIndex> Fleet::PlacesOf(const std::vector<Uuid>& instances) const {
  absl::flat_hash_set<UuidKey> seen;
  std::vector<HostIndex> places;
  for (const auto& uuid : instances) {
    if (uuid.empty()) continue;
    const UuidKey key = core::KeyOf(uuid);
    if (!seen.insert(key).second) continue;
    const auto* claim = FindClaim(key);
    if (claim != nullptr) places.push_back(claim->host);
    const auto found = foreign_.find(key);
    if (found == foreign_.end()) continue;
    for (const HostIndex host : found->second) {
      if (claim == nullptr || claim->host != host) places.push_back(host);
    }
  }
  std::ranges::sort(places);
  return places;
}

}  // namespace kilonova::scheduler::core
