// SPDX-License-Identifier: Apache-2.0
// A start: from the database to what is kept in memory.
#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "scheduler/core/conductor_impl.h"

namespace kilonova::scheduler::core {

// Works under the lock that Load holds.
class Conductor::Impl::Loader final : public LoadVisitor {
 public:
  explicit Loader(Impl& impl) : impl_(impl) {}

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
    impl_.hub_.Start(all.last_revision, all.pruned_through);
    return OkStatus();
  }

  Status Host(HostRow row) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const std::string name = row.name;
    Impl::Host& host = impl_.hosts_[name];
    impl_.SetRow(host, std::move(row));
    RETURN_IF_ERROR(impl_.TellEngine(host));
    if (host.row.enabled && host.row.report.degraded.empty()) impl_.awaited_hosts_.insert(name);
    return OkStatus();
  }

  Status Live(const LiveRow& row) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    impl_.live_.Put(row);
    for (const PortRow& port : row.ports) {
      impl_.macs_.insert(port.mac);
      if (Network* network = NetworkAt(port.network)) ++network->ports;
    }
    if (!row.server_group.empty()) {
      ASSIGN_OR_RETURN(const Uuid group, Uuid::Parse(row.server_group));
      const auto found = impl_.groups_.find(group);
      if (found != impl_.groups_.end()) {
        found->second.members[UuidOf(row.uuid)] = std::string(row.host);
      }
    }
    if (!row.claim) return OkStatus();
    ++claims_;
    const Uuid uuid = UuidOf(row.uuid);
    RETURN_IF_ERROR(impl_.engine_.Claim(uuid, row.claim->host, *row.flavor, *row.claim->resources,
                                        ClaimCheck::kLoading));
    impl_.engine_.SetImage(uuid, row.image->properties);
    if (row.claim->hardware != nullptr) {
      impl_.engine_.RestoreHardware(uuid, *row.claim->hardware);
    }
    return OkStatus();
  }

  Status Address(const Uuid& network,
                 std::string_view address) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto found = impl_.networks_.find(network);
    if (found != impl_.networks_.end()) found->second.pool.Mark(address);
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
                             F("claims", claims_), F("unsent", outbox_.size())});
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
  Network* NetworkAt(const UuidKey& id) {
    const auto found = networks_.find(id);
    return found == networks_.end() ? nullptr : found->second;
  }

  Impl& impl_;
  absl::flat_hash_map<UuidKey, Network*> networks_;
  std::vector<ReservedRow> reserved_;
  std::vector<OutboxRow> outbox_;
  std::size_t claims_ = 0;
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
