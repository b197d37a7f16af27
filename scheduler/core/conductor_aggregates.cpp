// SPDX-License-Identifier: Apache-2.0
// Host aggregates and the zones they make. A host is in one zone at most: no two aggregates that
// hold it name different ones.
#include <algorithm>
#include <charconv>
#include <utility>

#include "common/base/log.h"
#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

constexpr char kZone[] = "availability_zone";

Status NoAggregate(const std::string& text) {
  return Error(Code::kNotFound, reason::kAggregateNotFound,
               CheckText("aggregate", text, 1, 255).ok() ? "no aggregate " + text
                                                         : std::string("no such aggregate"));
}

Status Conflict(const AggregateRecord& aggregate, const std::string& message) {
  return Error(Code::kFailedPrecondition, reason::kAggregateConflict,
               "aggregate " + aggregate.name + ": " + message);
}

std::string ZoneIn(const std::map<std::string, std::string>& metadata) {
  const auto found = metadata.find(kZone);
  return found == metadata.end() ? std::string() : found->second;
}

std::string TokenOf(std::int64_t id) { return std::to_string(id); }

}  // namespace

Expected<AggregateRecord*> Conductor::Impl::FindAggregate(const std::string& text) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc() && end == text.data() + text.size()) {
    const auto found = aggregates_.find(id);
    if (found != aggregates_.end()) return &found->second;
  }
  for (auto& [known, aggregate] : aggregates_) {
    if (aggregate.name == text) return &aggregate;
  }
  return NoAggregate(text);
}

std::vector<Aggregate> Conductor::Impl::AggregatesOf(const std::string& host) {
  std::vector<Aggregate> aggregates;
  const auto found = aggregates_of_.find(host);
  if (found == aggregates_of_.end()) return aggregates;
  for (const std::int64_t id : found->second) {
    const AggregateRecord& a = aggregates_.at(id);
    aggregates.push_back({a.id, a.name, a.metadata, a.uuid.str()});
  }
  return aggregates;
}

void Conductor::Impl::RefreshAggregateMetadata() {
  aggregate_metadata_.clear();
  for (const auto& [id, aggregate] : aggregates_) {
    aggregate_metadata_.push_back({aggregate.uuid.str(), aggregate.metadata});
  }
}

bool Conductor::Impl::ZoneIsAggregates(const std::string& zone) {
  const bool named = std::ranges::any_of(aggregate_metadata_, [&](const AggregateMetadata& one) {
    return ZoneIn(one.metadata) == zone;
  });
  return named && !zones_.NamedByHosts(zone);
}

std::string Conductor::Impl::ZoneOfHost(const Host& host) {
  for (const Aggregate& aggregate : AggregatesOf(host.row.name)) {
    if (std::string zone = ZoneIn(aggregate.metadata); !zone.empty()) return zone;
  }
  const std::string& own = host.row.report.availability_zone;
  return own.empty() ? options_.default_availability_zone : own;
}

// Whether `hosts` may be in `zone` by way of `aggregate`, as Nova judges it.
Status Conductor::Impl::CheckZoneOf(const AggregateRecord& aggregate, const std::string& zone,
                                    const std::set<std::string>& hosts, bool instances_too) {
  if (zone.empty()) return Conflict(aggregate, "a zone cannot be taken away or have no name");
  const bool same = ZoneIn(aggregate.metadata) == zone;
  for (const std::string& host : hosts) {
    for (const Aggregate& other : AggregatesOf(host)) {
      const std::string its = ZoneIn(other.metadata);
      if (other.id != aggregate.id && !its.empty() && its != zone) {
        return Conflict(aggregate, "host " + host + " is in zone " + its + " already");
      }
    }
    if (!instances_too || same) continue;
    const auto known = engine_.GetHost(host);
    if (live_.AnyOn(host) || (known && known->claimed_instances > 0)) {
      return Conflict(aggregate, "host " + host + " has instances, its zone stays");
    }
  }
  return OkStatus();
}

// Writes name and metadata of `after`, with whatever else `change` holds, and tells the engine.
Expected<AggregateRecord> Conductor::Impl::ChangeAggregate(Change change, AggregateRecord after) {
  change.ops.insert(change.ops.begin(), PutAggregate{after});
  Status told;
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const AggregateRecord before = std::exchange(aggregates_[after.id], after);
    for (const std::string& host : before.hosts) {
      if (after.hosts.contains(host)) continue;
      aggregates_of_[host].erase(after.id);
      if (aggregates_of_[host].empty()) aggregates_of_.erase(host);
    }
    for (const std::string& host : after.hosts) aggregates_of_[host].insert(after.id);
    RefreshAggregateMetadata();
    std::set<std::string> changed = before.hosts;
    changed.insert(after.hosts.begin(), after.hosts.end());
    for (const std::string& host : changed) {
      const auto known = hosts_.find(host);
      if (known == hosts_.end()) continue;
      if (Status status = TellEngine(known->second); !status.ok()) told = std::move(status);
    }
  });
  RETURN_IF_ERROR(Commit(std::move(change)));
  RETURN_IF_ERROR(told);
  return after;
}

Expected<AggregateRecord> Conductor::Impl::CreateAggregate(const std::string& name,
                                                           const std::string& zone) {
  RETURN_IF_ERROR(CheckName("name", name));
  if (!zone.empty()) RETURN_IF_ERROR(CheckZoneName(kZone, zone));
  const CatalogLock mine(*this);
  AggregateRecord aggregate;
  {
    absl::MutexLock lock(&mutex_);
    const bool taken = std::ranges::any_of(
        aggregates_, [&](const auto& entry) { return entry.second.name == name; });
    if (taken) {
      return Error(Code::kAlreadyExists, reason::kAggregateExists,
                   "an aggregate of this name exists");
    }
    aggregate.id = ++last_aggregate_id_;
  }
  aggregate.uuid = Uuid::Random();
  aggregate.name = name;
  if (!zone.empty()) aggregate.metadata[kZone] = zone;
  aggregate.created_at = clock_.Now();
  return ChangeAggregate({}, std::move(aggregate));
}

Expected<AggregateRecord> Conductor::Impl::GetAggregate(const std::string& aggregate) {
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(const AggregateRecord* found, FindAggregate(aggregate));
  return *found;
}

Expected<Page<AggregateRecord>> Conductor::Impl::ListAggregates(const PageRequest& request) {
  ASSIGN_OR_RETURN(const std::size_t size, PageSize(request));
  std::int64_t after = 0;
  if (!request.page_token.empty()) {
    ASSIGN_OR_RETURN(const std::string last, ReadPageToken("aggregates", request.page_token));
    std::from_chars(last.data(), last.data() + last.size(), after);
  }
  Page<AggregateRecord> page;
  absl::MutexLock lock(&mutex_);
  auto it = aggregates_.upper_bound(after);
  for (; it != aggregates_.end() && page.items.size() < size; ++it) {
    page.items.push_back(it->second);
  }
  if (it != aggregates_.end()) {
    page.next_page_token = MakePageToken("aggregates", TokenOf(page.items.back().id));
  }
  return page;
}

Expected<AggregateRecord> Conductor::Impl::UpdateAggregate(const std::string& text,
                                                           const std::string& name,
                                                           const std::string& zone) {
  if (name.empty() && zone.empty()) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 "a name or an availability_zone is required", {{"field", "name"}});
  }
  if (!name.empty()) RETURN_IF_ERROR(CheckName("name", name));
  if (!zone.empty()) RETURN_IF_ERROR(CheckZoneName(kZone, zone));
  const CatalogLock mine(*this);
  AggregateRecord after;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const AggregateRecord* now, FindAggregate(text));
    after = *now;
    const bool taken = std::ranges::any_of(aggregates_, [&](const auto& entry) {
      return entry.first != after.id && entry.second.name == name;
    });
    if (taken) {
      return Error(Code::kAlreadyExists, reason::kAggregateExists,
                   "an aggregate of this name exists");
    }
    if (!zone.empty()) RETURN_IF_ERROR(CheckZoneOf(after, zone, after.hosts, true));
  }
  if (!name.empty()) after.name = name;
  if (!zone.empty()) after.metadata[kZone] = zone;
  after.updated_at = clock_.Now();
  return ChangeAggregate({}, std::move(after));
}

Expected<AggregateRecord> Conductor::Impl::SetAggregateMetadata(const std::string& text,
                                                                const MetadataChange& change) {
  for (const auto& [key, value] : change) {
    RETURN_IF_ERROR(CheckMetadataKey("metadata", key));
    if (value) RETURN_IF_ERROR(CheckText("metadata", *value, 0, 255));
    if (key == kZone && value && !value->empty()) {
      RETURN_IF_ERROR(CheckZoneName("metadata", *value));
    }
  }
  const CatalogLock mine(*this);
  AggregateRecord after;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const AggregateRecord* now, FindAggregate(text));
    after = *now;
    if (const auto zone = change.find(kZone); zone != change.end()) {
      RETURN_IF_ERROR(CheckZoneOf(after, zone->second.value_or(""), after.hosts, true));
    }
  }
  for (const auto& [key, value] : change) {
    if (value) {
      after.metadata[key] = *value;
    } else {
      after.metadata.erase(key);
    }
  }
  if (after.metadata.size() > 512) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 "an aggregate has at most 512 metadata entries", {{"field", "metadata"}});
  }
  after.updated_at = clock_.Now();
  return ChangeAggregate({}, std::move(after));
}

Expected<AggregateRecord> Conductor::Impl::SetAggregateHost(const std::string& text,
                                                            const std::string& host, bool in) {
  const CatalogLock mine(*this);
  AggregateRecord after;
  {
    absl::MutexLock lock(&mutex_);
    if (!hosts_.contains(host)) {
      return Error(Code::kNotFound, reason::kHostNotFound,
                   IsValidHostName(host) ? "no host " + host : std::string("no such host"));
    }
    ASSIGN_OR_RETURN(const AggregateRecord* now, FindAggregate(text));
    after = *now;
    if (in) {
      if (const std::string zone = ZoneIn(after.metadata); !zone.empty()) {
        RETURN_IF_ERROR(CheckZoneOf(after, zone, {host}, false));
      }
      if (!after.hosts.insert(host).second) {
        return Error(Code::kAlreadyExists, reason::kAggregateHostExists,
                     "host " + host + " is in aggregate " + after.name + " already");
      }
    } else if (after.hosts.erase(host) == 0) {
      return Error(Code::kNotFound, reason::kAggregateHostNotFound,
                   "host " + host + " is not in aggregate " + after.name);
    }
  }
  after.updated_at = clock_.Now();
  Change change;
  if (in) {
    change.ops.emplace_back(AddAggregateHost{after.id, host});
  } else {
    change.ops.emplace_back(DropAggregateHost{after.id, host});
  }
  return ChangeAggregate(std::move(change), std::move(after));
}

Status Conductor::Impl::DeleteAggregate(const std::string& text) {
  const CatalogLock mine(*this);
  ASSIGN_OR_RETURN(const AggregateRecord aggregate, GetAggregate(text));
  if (!aggregate.hosts.empty()) return Conflict(aggregate, "it still has hosts");
  Change change;
  change.ops.emplace_back(DropAggregate{aggregate.id});
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    aggregates_.erase(aggregate.id);
    RefreshAggregateMetadata();
  });
  return Commit(std::move(change));
}

Expected<Page<ZoneView>> Conductor::Impl::ListZones(const PageRequest& request) {
  ASSIGN_OR_RETURN(const std::size_t size, PageSize(request));
  std::string after;
  if (!request.page_token.empty()) {
    ASSIGN_OR_RETURN(after, ReadPageToken("zones", request.page_token));
  }
  std::map<std::string, ZoneView> zones;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, host] : hosts_) {
      ZoneView& zone = zones[ZoneOfHost(host)];
      zone.available = zone.available || host.row.enabled;
      zone.hosts_up += host.up() && host.row.enabled ? 1 : 0;
      zone.hosts.push_back({name, host.up(), host.row.enabled});
    }
  }
  Page<ZoneView> page;
  auto it = zones.upper_bound(after);
  for (; it != zones.end() && page.items.size() < size; ++it) {
    it->second.name = it->first;
    page.items.push_back(std::move(it->second));
  }
  if (it != zones.end()) {
    page.next_page_token = MakePageToken("zones", page.items.back().name);
  }
  return page;
}

}  // namespace kilonova::scheduler::core
