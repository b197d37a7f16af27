// SPDX-License-Identifier: Apache-2.0
// A start: from the database to what is kept in memory.
#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "scheduler/core/claim_loader.h"
#include "scheduler/core/conductor_impl.h"

namespace kilonova::scheduler::core {

// Works under the lock that Load holds.
class Conductor::Impl::Loader final : public LoadVisitor {
 public:
  explicit Loader(Impl& impl) : impl_(impl), claim_loader_(impl.engine_) {}

  Status Begin(Snapshot all) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    LoadCatalog(all);
    for (SharingProviderRecord& record : all.sharing_providers) {
      RETURN_IF_ERROR(impl_.ShareLoaded(std::move(record)));
    }
    reserved_ = std::move(all.reserved);
    outbox_ = std::move(all.outbox);
    impl_.last_instance_id_ = all.last_instance_id;
    impl_.last_flavor_id_ = all.last_flavor_id;
    impl_.last_aggregate_id_ = all.last_aggregate_id;
    impl_.last_outbox_id_ = all.last_outbox_id;
    impl_.live_.Reserve(all.instances);
    impl_.macs_.reserve(all.instances);
    claim_loader_.Reserve(all.instances);
    impl_.hub_.Start(all.last_revision, all.pruned_through);
    return OkStatus();
  }

  Status Host(HostRow row, const HostKindPtr& kind) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    // Rows come in the order of names.
    const auto at = impl_.hosts_.try_emplace(impl_.hosts_.end(), row.name);
    Impl::Host& host = at->second;
    host.row = std::move(row);
    HostKindPtr& shared = kinds_[kind];
    if (!shared) shared = impl_.Shared(kind);
    host.kind = shared;
    RETURN_IF_ERROR(impl_.TellEngine(host));
    if (host.row.enabled && host.row.report.degraded.empty()) {
      impl_.awaited_hosts_.insert(impl_.awaited_hosts_.end(), at->first);
    }
    return OkStatus();
  }

  Status Live(std::span<const LiveRow> rows) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    impl_.live_.Add(rows);
    claims_.clear();
    for (const LiveRow& row : rows) {
      for (const PortRow& port : row.ports) {
        impl_.macs_.insert(port.mac);
        if (Network* network = NetworkAt(port.network)) ++network->ports;
      }
      if (!row.server_group.empty()) RETURN_IF_ERROR(Join(row));
      if (!row.claim) continue;
      claims_.push_back({row.uuid, row.claim->host, row.flavor, row.claim->resources,
                         &row.image->properties, row.claim->hardware});
    }
    claimed_ += claims_.size();
    return claim_loader_.Load(claims_);
  }

  Status Address(const UuidKey& network,
                 std::string_view address) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Network* const found = NetworkAt(network);
    if (found == nullptr) return OkStatus();
    if (found->pool.used() == 0) found->pool.Reserve(static_cast<std::size_t>(found->ports));
    found->pool.Mark(address);
    return OkStatus();
  }

  Status Request(std::string_view request_id,
                 WallTime created_at) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    impl_.answered_[RequestHash(request_id)] = SecondsOf(created_at);
    return OkStatus();
  }

  // After all rows.
  void Finish() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (ReservedRow& row : reserved_) {
      const auto found = impl_.networks_.find(row.network);
      if (found == impl_.networks_.end() || !found->second.pool.Mark(row.address)) continue;
      impl_.reserved_[row.host][row.instance].emplace_back(row.network, std::move(row.address));
    }
    for (const OutboxRow& row : outbox_) impl_.outbox_.Add(row);
    LogInfo("state loaded", {F("hosts", impl_.hosts_.size()), F("instances", impl_.live_.size()),
                             F("claims", claimed_), F("unsent", outbox_.size())});
  }

 private:
  void LoadCatalog(Snapshot& all) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (model::Flavor& flavor : all.flavors) {
      const std::string id = flavor.flavorid;
      impl_.flavors_[id] = std::make_shared<const model::Flavor>(std::move(flavor));
    }
    for (ImageRecord& image : all.images) impl_.images_[image.source.id] = std::move(image);
    for (NetworkRecord& network : all.networks) {
      Network& entry = impl_.networks_[network.id];
      networks_[KeyOf(network.id)] = &entry;
      entry.pool = AddressPool(network);
      entry.record = std::move(network);
    }
    for (AggregateRecord& aggregate : all.aggregates) {
      for (const auto& host : aggregate.hosts) impl_.aggregates_of_[host].insert(aggregate.id);
      impl_.aggregates_[aggregate.id] = std::move(aggregate);
    }
    impl_.RefreshAggregateMetadata();
    for (ServerGroupRecord& group : all.server_groups) {
      const Uuid id = group.id;
      impl_.groups_[id].record = std::move(group);
    }
  }
  Status Join(const LiveRow& row) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ASSIGN_OR_RETURN(const Uuid group, Uuid::Parse(row.server_group));
    const auto found = impl_.groups_.find(group);
    if (found != impl_.groups_.end()) {
      found->second.members[UuidOf(row.uuid)] = std::string(row.host);
    }
    return OkStatus();
  }
  Network* NetworkAt(const UuidKey& id) {
    const auto found = networks_.find(id);
    return found == networks_.end() ? nullptr : found->second;
  }

  Impl& impl_;
  absl::flat_hash_map<HostKindPtr, HostKindPtr> kinds_;  // as read, and the one for all like it
  absl::flat_hash_map<UuidKey, Network*> networks_;
  std::vector<ReservedRow> reserved_;
  std::vector<OutboxRow> outbox_;
  ClaimLoader claim_loader_;
  std::vector<KnownClaim> claims_;  // of one call
  std::size_t claimed_ = 0;
};

Status Conductor::Impl::Load() {
  absl::MutexLock lock(&mutex_);
  Loader loader(*this);
  RETURN_IF_ERROR(store_.Load(loader));
  gather_until_ = clock_.Steady() + std::min(options_.lease, options_.most_hold);
  loader.Finish();
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
