// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/reader.h"

#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace kilonova::scheduler::adapters {
namespace {

using core::InstancePtr;
using SQLite::Statement;

template <class F>
auto Guarded(F read) -> decltype(read()) {
  try {
    return read();
  } catch (const SQLite::Exception& e) {
    return Error(Code::kUnavailable, reason::kUnavailable,
                 "the scheduler's database cannot be read", {{kOperatorDetail, e.what()}});
  }
}

// Of text or bytes.
std::string_view BytesOf(const SQLite::Column& column) {
  return {static_cast<const char*>(column.getBlob()), static_cast<std::size_t>(column.getBytes())};
}

Expected<InstancePtr> ReadInstance(Statement& row, DocReader& docs) {
  ASSIGN_OR_RETURN(core::InstanceRecord record, docs.Instance(BytesOf(row.getColumn(1))));
  record.revision = row.getColumn(0).getInt64();
  return std::make_shared<const core::InstanceRecord>(std::move(record));
}

Status LoadCatalog(SQLite::Database& db, DocReader& docs, core::Snapshot& all) {
  Statement flavors(db, "SELECT doc FROM flavors");
  while (flavors.executeStep()) {
    ASSIGN_OR_RETURN(all.flavors.emplace_back(), docs.Flavor(flavors.getColumn(0).getText()));
  }
  Statement images(db, "SELECT created_at, doc FROM images");
  while (images.executeStep()) {
    core::ImageRecord& image = all.images.emplace_back();
    image.created_at = FromMicros(images.getColumn(0).getInt64());
    ASSIGN_OR_RETURN(image.source, docs.Image(images.getColumn(1).getText()));
  }
  Statement networks(db, "SELECT doc FROM networks");
  while (networks.executeStep()) {
    ASSIGN_OR_RETURN(all.networks.emplace_back(), docs.Network(networks.getColumn(0).getText()));
  }
  return OkStatus();
}

Expected<Uuid> ReadUuid(const SQLite::Column& column) { return Uuid::Parse(column.getText()); }

Status LoadAggregates(SQLite::Database& db, DocReader& docs, core::Snapshot& all) {
  std::map<std::int64_t, std::set<std::string>> hosts_of;
  Statement hosts(db, "SELECT aggregate, host FROM aggregate_hosts");
  while (hosts.executeStep()) {
    hosts_of[hosts.getColumn(0).getInt64()].insert(hosts.getColumn(1).getString());
  }
  Statement rows(db, "SELECT id, uuid, name, created_at, updated_at, doc FROM aggregates");
  while (rows.executeStep()) {
    core::AggregateRecord& aggregate = all.aggregates.emplace_back();
    aggregate.id = rows.getColumn(0).getInt64();
    ASSIGN_OR_RETURN(aggregate.uuid, ReadUuid(rows.getColumn(1)));
    aggregate.name = rows.getColumn(2).getString();
    aggregate.created_at = FromMicros(rows.getColumn(3).getInt64());
    if (!rows.getColumn(4).isNull()) {
      aggregate.updated_at = FromMicros(rows.getColumn(4).getInt64());
    }
    ASSIGN_OR_RETURN(aggregate.metadata, docs.Metadata(rows.getColumn(5).getText()));
    aggregate.hosts = std::move(hosts_of[aggregate.id]);
  }
  Statement groups(db, "SELECT id, created_at, doc FROM server_groups");
  while (groups.executeStep()) {
    ASSIGN_OR_RETURN(core::ServerGroupRecord group, docs.Group(groups.getColumn(2).getText()));
    ASSIGN_OR_RETURN(group.id, ReadUuid(groups.getColumn(0)));
    group.created_at = FromMicros(groups.getColumn(1).getInt64());
    all.server_groups.push_back(std::move(group));
  }
  Statement reserved(db, "SELECT network, address, instance, host FROM reserved");
  while (reserved.executeStep()) {
    core::ReservedRow& row = all.reserved.emplace_back();
    ASSIGN_OR_RETURN(row.network, ReadUuid(reserved.getColumn(0)));
    row.address = reserved.getColumn(1).getString();
    ASSIGN_OR_RETURN(row.instance, ReadUuid(reserved.getColumn(2)));
    row.host = reserved.getColumn(3).getString();
  }
  return OkStatus();
}

Status LoadHosts(SQLite::Database& db, DocReader& docs, core::Snapshot& all) {
  Statement hosts(db,
                  "SELECT name, enabled, disabled_reason, agent_version, journal_id, last_seq,"
                  " last_seen, doc FROM hosts");
  while (hosts.executeStep()) {
    core::HostRow& host = all.hosts.emplace_back();
    host.name = hosts.getColumn(0).getString();
    host.enabled = hosts.getColumn(1).getInt() != 0;
    host.disabled_reason = hosts.getColumn(2).getString();
    host.agent_version = hosts.getColumn(3).getString();
    host.journal_id = hosts.getColumn(4).getString();
    host.last_seq = hosts.getColumn(5).getInt64();
    host.last_seen = FromMicros(hosts.getColumn(6).getInt64());
    ASSIGN_OR_RETURN(host.report, docs.Report(BytesOf(hosts.getColumn(7))));
  }
  return OkStatus();
}

Status LoadInstances(SQLite::Database& db, DocReader& docs, core::Snapshot& all) {
  Statement instances(db, "SELECT revision, doc FROM instances WHERE terminated_at IS NULL");
  while (instances.executeStep()) {
    ASSIGN_OR_RETURN(all.instances.emplace_back(), ReadInstance(instances, docs));
  }
  Statement claims(db, "SELECT instance, claim_id, host, generation, doc FROM claims");
  while (claims.executeStep()) {
    core::ClaimRow& claim = all.claims.emplace_back();
    ASSIGN_OR_RETURN(claim.instance, ReadUuid(claims.getColumn(0)));
    ASSIGN_OR_RETURN(claim.claim_id, ReadUuid(claims.getColumn(1)));
    claim.host = claims.getColumn(2).getString();
    claim.generation = claims.getColumn(3).getInt64();
    ASSIGN_OR_RETURN(claim.resources, docs.Resources(claims.getColumn(4).getText()));
  }
  Statement addresses(db, "SELECT network, address, port, instance FROM addresses");
  while (addresses.executeStep()) {
    core::AddressRow& address = all.addresses.emplace_back();
    ASSIGN_OR_RETURN(address.network, ReadUuid(addresses.getColumn(0)));
    address.address = addresses.getColumn(1).getString();
    ASSIGN_OR_RETURN(address.port, ReadUuid(addresses.getColumn(2)));
    ASSIGN_OR_RETURN(address.instance, ReadUuid(addresses.getColumn(3)));
  }
  return OkStatus();
}

Status LoadRequests(SQLite::Database& db, DocReader& docs, core::Snapshot& all) {
  Statement requests(db, "SELECT request_id, digest, created_at, doc FROM requests");
  while (requests.executeStep()) {
    core::RequestRow& request = all.requests.emplace_back();
    request.request_id = requests.getColumn(0).getString();
    request.digest = requests.getColumn(1).getString();
    request.created_at = FromMicros(requests.getColumn(2).getInt64());
    ASSIGN_OR_RETURN(request.instances, docs.Uuids(requests.getColumn(3).getText()));
  }
  Statement outbox(db,
                   "SELECT id, host, instance, generation, method, unique_id, created_at"
                   " FROM outbox ORDER BY id");
  while (outbox.executeStep()) {
    core::OutboxRow& row = all.outbox.emplace_back();
    row.id = outbox.getColumn(0).getInt64();
    row.host = outbox.getColumn(1).getString();
    ASSIGN_OR_RETURN(row.instance, ReadUuid(outbox.getColumn(2)));
    row.generation = outbox.getColumn(3).getInt64();
    row.method = outbox.getColumn(4).getString();
    row.unique_id = outbox.getColumn(5).getString();
    row.created_at = FromMicros(outbox.getColumn(6).getInt64());
  }
  return OkStatus();
}

std::int64_t Sequence(SQLite::Database& db, const char* table) {
  Statement query(db, "SELECT seq FROM sqlite_sequence WHERE name = ?");
  query.bind(1, table);
  return query.executeStep() ? query.getColumn(0).getInt64() : 0;
}

std::int64_t Meta(SQLite::Database& db, const char* key) {
  Statement query(db, "SELECT value FROM meta WHERE key = ?");
  query.bind(1, key);
  return query.executeStep() ? query.getColumn(0).getInt64() : 0;
}

bool Matches(const core::InstanceRecord& r, const core::DeletedQuery& q) {
  return (q.project_id.empty() || r.spec.project_id == q.project_id) &&
         (q.host.empty() || r.host == q.host) &&
         (q.name.empty() || r.spec.display_name == q.name) &&
         (q.flavorid.empty() || r.flavor->flavorid == q.flavorid) &&
         (q.image_id.empty() || r.image->id.str() == q.image_id);
}

}  // namespace

Expected<core::Snapshot> Reader::Load() {
  absl::MutexLock lock(&mutex_);
  return Guarded([this]() -> Expected<core::Snapshot> {
    mutex_.AssertHeld();
    SQLite::Transaction one_view(*db_);
    core::Snapshot all;
    DocReader docs;
    RETURN_IF_ERROR(LoadCatalog(*db_, docs, all));
    RETURN_IF_ERROR(LoadHosts(*db_, docs, all));
    RETURN_IF_ERROR(LoadAggregates(*db_, docs, all));
    RETURN_IF_ERROR(LoadInstances(*db_, docs, all));
    RETURN_IF_ERROR(LoadRequests(*db_, docs, all));
    all.last_instance_id = Sequence(*db_, "instances");
    all.last_flavor_id = Sequence(*db_, "flavors");
    all.last_aggregate_id = Sequence(*db_, "aggregates");
    all.last_outbox_id = Sequence(*db_, "outbox");
    all.last_revision = Meta(*db_, "last_revision");
    all.pruned_through = Meta(*db_, "pruned_through");
    return all;
  });
}

Expected<InstancePtr> Reader::DeletedInstance(const Uuid& uuid) {
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<InstancePtr> {
    mutex_.AssertHeld();
    Statement query(*db_,
                    "SELECT revision, doc FROM instances"
                    " WHERE uuid = ? AND terminated_at IS NOT NULL");
    query.bind(1, uuid.str());
    DocReader docs;
    if (query.executeStep()) return ReadInstance(query, docs);
    return Error(Code::kNotFound, reason::kInstanceNotFound, "no such instance");
  });
}

Expected<std::vector<InstancePtr>> Reader::DeletedInstances(const core::DeletedQuery& wanted) {
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<std::vector<InstancePtr>> {
    mutex_.AssertHeld();
    Statement query(*db_,
                    "SELECT revision, doc FROM instances"
                    " WHERE terminated_at IS NOT NULL AND id < ? ORDER BY id DESC");
    query.bind(1, wanted.before_id);
    DocReader docs;
    std::vector<InstancePtr> found;
    while (found.size() < wanted.most && query.executeStep()) {
      ASSIGN_OR_RETURN(InstancePtr record, ReadInstance(query, docs));
      if (Matches(*record, wanted)) found.push_back(std::move(record));
    }
    return found;
  });
}

Expected<std::vector<InstancePtr>> Reader::DeletedSince(std::int64_t after, std::int64_t up_to,
                                                        std::size_t most) {
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<std::vector<InstancePtr>> {
    mutex_.AssertHeld();
    Statement query(*db_,
                    "SELECT revision, doc FROM instances WHERE terminated_at IS NOT NULL"
                    " AND revision > ? AND revision <= ? ORDER BY revision LIMIT ?");
    query.bind(1, after);
    query.bind(2, up_to);
    query.bind(3, static_cast<std::int64_t>(most));
    DocReader docs;
    std::vector<InstancePtr> found;
    while (query.executeStep()) {
      ASSIGN_OR_RETURN(found.emplace_back(), ReadInstance(query, docs));
    }
    return found;
  });
}

Expected<std::string> Reader::OutboxBody(std::int64_t id) {
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<std::string> {
    mutex_.AssertHeld();
    Statement query(*db_, "SELECT body FROM outbox WHERE id = ?");
    query.bind(1, id);
    if (query.executeStep()) return query.getColumn(0).getString();
    return Error(Code::kNotFound, reason::kInternal, "no such message");
  });
}

Expected<std::string> Reader::AdminPassword(const Uuid& instance) {
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<std::string> {
    mutex_.AssertHeld();
    Statement query(*db_, "SELECT admin_password FROM instances WHERE uuid = ?");
    query.bind(1, instance.str());
    return query.executeStep() ? query.getColumn(0).getString() : std::string();
  });
}

}  // namespace kilonova::scheduler::adapters
