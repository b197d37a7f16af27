// SPDX-License-Identifier: Apache-2.0
// Loading, committing, the indexes and the locks.
#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "scheduler/core/awaited.h"
#include "scheduler/core/conductor_impl.h"

namespace kilonova::scheduler::core {

Conductor::Impl::Impl(Store& store, Engine& engine, const MessageEncoder& encoder,
                      const Clock& clock, ConductorOptions options)
    : store_(store),
      engine_(engine),
      encoder_(encoder),
      clock_(clock),
      options_(options),
      outbox_(store, clock),
      hub_(store, clock, options.watch_ring,
           [this](std::int64_t after) { return LiveAfter(after); }) {
  outbox_.OnReturned([this](const OutboxRow& row) { return HandleReturned(row); });
}

Status Conductor::Impl::Load() {
  ASSIGN_OR_RETURN(Snapshot all, store_.Load());
  absl::MutexLock lock(&mutex_);
  for (model::Flavor& flavor : all.flavors) {
    const std::string id = flavor.flavorid;
    flavors_[id] = std::make_shared<const model::Flavor>(std::move(flavor));
  }
  for (ImageRecord& image : all.images) images_[image.source.id] = std::move(image);
  for (NetworkRecord& network : all.networks) {
    Network& entry = networks_[network.id];
    entry.pool = AddressPool(network);
    entry.record = std::move(network);
  }
  for (const AddressRow& address : all.addresses) {
    if (const auto found = networks_.find(address.network); found != networks_.end()) {
      found->second.pool.Mark(address.address);
    }
  }
  for (AggregateRecord& aggregate : all.aggregates) {
    for (const std::string& host : aggregate.hosts) aggregates_of_[host].insert(aggregate.id);
    aggregates_[aggregate.id] = std::move(aggregate);
  }
  RefreshAggregateMetadata();
  for (ServerGroupRecord& group : all.server_groups) {
    const Uuid id = group.id;
    groups_[id].record = std::move(group);
  }
  for (HostRow& row : all.hosts) {
    Host& host = hosts_[row.name];
    host.row = std::move(row);
    RETURN_IF_ERROR(TellEngine(host));
    if (host.row.enabled && host.row.report.degraded.empty()) awaited_hosts_.insert(host.row.name);
  }
  gather_until_ = clock_.Steady() + std::min(options_.lease, options_.most_hold);
  for (ReservedRow& row : all.reserved) {
    const auto found = networks_.find(row.network);
    if (found == networks_.end() || !found->second.pool.Mark(row.address)) continue;
    reserved_[row.host][row.instance].emplace_back(row.network, std::move(row.address));
  }
  for (InstancePtr& record : all.instances) {
    Index(record);
    for (const model::NicRequest& nic : record->nics) {
      macs_.insert(nic.mac);
      if (const auto found = networks_.find(nic.network_id); found != networks_.end()) {
        ++found->second.ports;
      }
    }
  }
  for (const ClaimRow& claim : all.claims) {
    const auto record = instances_.find(claim.instance);
    if (record == instances_.end()) {
      return Error(Code::kDataLoss, reason::kInternal,
                   "the database holds a claim of an instance that is not there",
                   {{kOperatorDetail, claim.instance.str()}});
    }
    RETURN_IF_ERROR(engine_.Claim(claim.instance, claim.host, *record->second->flavor,
                                  claim.resources, ClaimCheck::kLoading));
  }
  for (RequestRow& row : all.requests) {
    requests_[row.request_id] = {row.digest, std::move(row.instances), true, row.created_at};
  }
  last_instance_id_ = all.last_instance_id;
  last_flavor_id_ = all.last_flavor_id;
  last_aggregate_id_ = all.last_aggregate_id;
  last_outbox_id_ = all.last_outbox_id;
  hub_.Start(all.last_revision, all.pruned_through);
  for (const OutboxRow& row : all.outbox) outbox_.Add(row);
  LogInfo("state loaded", {F("hosts", hosts_.size()), F("instances", instances_.size()),
                           F("claims", all.claims.size()), F("unsent", all.outbox.size())});
  return OkStatus();
}

Status Conductor::Impl::Commit(Change change) {
  Awaited<Status> result;
  store_.Submit(std::move(change.ops), [&](Expected<CommitInfo> info) {
    if (info.ok()) Committed(change, *info);
    result.Set(std::move(info).status());
  });
  Status status = result.Get();
  if (!status.ok()) Undo(change);
  return status;
}

void Conductor::Impl::Undo(Change& change) {
  for (auto undo = change.on_failure.rbegin(); undo != change.on_failure.rend(); ++undo) (*undo)();
}

void Conductor::Impl::Committed(Change& change, const CommitInfo& info) {
  absl::MutexLock lock(&mutex_);
  for (std::size_t i = 0; i < change.records.size(); ++i) {
    change.records[i]->revision = info.revisions[i];
    const InstancePtr record = change.records[i];
    if (const auto old = instances_.find(record->uuid()); old != instances_.end()) {
      Unindex(*InstancePtr(old->second));
    }
    if (record->deleted()) {
      ReleasePorts(*record);
    } else {
      Index(record);
    }
    hub_.Publish(record);
  }
  for (const auto& act : change.on_commit) act();
}

void Conductor::Impl::Index(const InstancePtr& record) {
  instances_[record->uuid()] = record;
  by_id_[record->spec.id] = record;
  by_name_.emplace(record->spec.display_name, record->uuid());
  if (!record->host.empty()) by_host_[record->host].insert(record->uuid());
  if (record->server_group.empty()) return;
  const auto group = groups_.find(record->server_group);
  if (group != groups_.end()) group->second.members[record->uuid()] = record->host;
}

void Conductor::Impl::Unindex(const InstanceRecord& record) {
  const auto [first, last] = by_name_.equal_range(record.spec.display_name);
  for (auto it = first; it != last; ++it) {
    if (it->second == record.uuid()) {
      by_name_.erase(it);
      break;
    }
  }
  if (const auto host = by_host_.find(record.host); host != by_host_.end()) {
    host->second.erase(record.uuid());
    if (host->second.empty()) by_host_.erase(host);
  }
  if (const auto group = groups_.find(record.server_group); group != groups_.end()) {
    group->second.members.erase(record.uuid());
  }
  suspects_.erase(record.uuid());
  by_id_.erase(record.spec.id);
  instances_.erase(record.uuid());
}

void Conductor::Impl::ReleasePorts(const InstanceRecord& record) {
  for (const model::NicRequest& nic : record.nics) {
    macs_.erase(nic.mac);
    const auto network = networks_.find(nic.network_id);
    if (network == networks_.end()) continue;
    --network->second.ports;
    for (const model::FixedIp& ip : nic.fixed_ips) network->second.pool.Release(ip.address);
  }
}

Conductor::Impl::InstanceLocks::InstanceLocks(Impl& impl, std::set<Uuid> uuids)
    : impl_(impl), uuids_(std::move(uuids)) {
  absl::MutexLock lock(&impl_.mutex_);
  const auto free = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return std::ranges::none_of(uuids_, [this](const Uuid& u) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return impl_.busy_.contains(u);
    });
  };
  impl_.mutex_.Await(absl::Condition(&free));
  impl_.busy_.insert(uuids_.begin(), uuids_.end());
}

Conductor::Impl::InstanceLocks::~InstanceLocks() {
  absl::MutexLock lock(&impl_.mutex_);
  for (const Uuid& uuid : uuids_) impl_.busy_.erase(uuid);
}

}  // namespace kilonova::scheduler::core
