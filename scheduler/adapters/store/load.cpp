// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/load.h"

#include <sqlite3.h>

#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>

#include "scheduler/adapters/store/hardware_pack.h"
#include "scheduler/adapters/store/rows.h"

namespace kilonova::scheduler::adapters {
namespace {

using SQLite::Statement;

// Rows as SQLite has them: of a million, what SQLiteCpp does for each column counts.
class Rows {
 public:
  Rows(SQLite::Database& db, const char* sql) : db_(db) {
    sqlite3_stmt* statement = nullptr;
    const int made = sqlite3_prepare_v2(db.getHandle(), sql, -1, &statement, nullptr);
    statement_.reset(statement);
    if (made != SQLITE_OK) throw SQLite::Exception(db.getHandle(), made);
  }
  bool Next() {
    const int step = sqlite3_step(statement_.get());
    if (step != SQLITE_ROW && step != SQLITE_DONE) throw SQLite::Exception(db_.getHandle(), step);
    return step == SQLITE_ROW;
  }
  // Views last until Next.
  std::int64_t Int(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  bool IsNull(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
  }
  std::string_view Bytes(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
  }
  core::UuidKey Key(int column) const {
    const std::string_view bytes = Bytes(column);
    if (bytes.size() != 16) throw std::invalid_argument("not a uuid");
    return KeyOfBytes(reinterpret_cast<const unsigned char*>(bytes.data()));
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  SQLite::Database& db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

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
  Statement sharing(db, "SELECT doc FROM sharing_providers ORDER BY name");
  while (sharing.executeStep()) {
    const SQLite::Column doc = sharing.getColumn(0);
    ASSIGN_OR_RETURN(all.sharing_providers.emplace_back(),
                     docs.SharingProvider({static_cast<const char*>(doc.getBlob()),
                                           static_cast<std::size_t>(doc.getBytes())}));
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

Status LoadOutbox(SQLite::Database& db, core::Snapshot& all) {
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

// Fills the queue's batches row by row.
class Feeder {
 public:
  explicit Feeder(LoadQueue& queue) : queue_(queue) {}

  // Where the next row goes, which has no more than `most` beside it. CANCELLED.
  Expected<LoadBatch*> Row(std::size_t most) {
    if (rows_ >= most) Flush();
    if (batch_ == nullptr) batch_ = queue_.Empty();
    if (batch_ == nullptr) {
      return Error(Code::kCancelled, reason::kUnavailable, "the load was given up");
    }
    ++rows_;
    return batch_.get();
  }
  void Flush() {
    if (batch_ != nullptr) queue_.Fill(std::move(batch_));
    rows_ = 0;
  }

 private:
  LoadQueue& queue_;
  std::unique_ptr<LoadBatch> batch_;
  std::size_t rows_ = 0;
};

// Large enough that handing them over costs nothing, small enough to stay in the cache.
constexpr std::size_t kMostHosts = 32, kMostRows = 256;

Status LoadHosts(SQLite::Database& db, Feeder& to) {
  DocReader docs;
  Rows hosts(db,
             "SELECT name, enabled, disabled_reason, agent_version, journal_id, last_seq,"
             " last_seen, doc FROM hosts ORDER BY name");
  while (hosts.Next()) {
    ASSIGN_OR_RETURN(LoadBatch* const batch, to.Row(kMostHosts));
    auto& [host, kind] = batch->hosts.emplace_back();
    host.name = hosts.Bytes(0);
    host.enabled = hosts.Int(1) != 0;
    host.disabled_reason = hosts.Bytes(2);
    host.agent_version = hosts.Bytes(3);
    host.journal_id = hosts.Bytes(4);
    host.last_seq = hosts.Int(5);
    host.last_seen = FromMicros(hosts.Int(6));
    ASSIGN_OR_RETURN(host.report, docs.Report(hosts.Bytes(7), kind));
  }
  to.Flush();
  return OkStatus();
}

template <class T>
T Checked(const std::optional<T>& state) {
  if (!state) throw std::invalid_argument("unknown state");
  return *state;
}

void ReadPorts(std::string_view bytes, std::vector<core::PortRow>& ports) {
  constexpr std::size_t kMac = 6, kPort = kMac + 16;
  if (bytes.size() % kPort != 0) throw std::invalid_argument("a port is cut off");
  ports.clear();
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  for (std::size_t left = bytes.size(); left > 0; left -= kPort, at += kPort) {
    core::PortRow& port = ports.emplace_back();
    for (std::size_t i = 0; i < kMac; ++i) port.mac = port.mac << 8 | at[i];
    port.network = KeyOfBytes(at + kMac);
  }
}

Status LoadInstances(SQLite::Database& db, Parts& parts, Feeder& to) {
  Rows rows(db,
            "SELECT uuid, id, revision, generation, started_generation, vm_state, task_state,"
            " power_state, project_id, name, host, server_group, flavor, image, ports, claim_id,"
            " claim_host, claim_generation, claim_resources, claim_hardware"
            " FROM instances WHERE terminated_at IS NULL");
  std::vector<core::PortRow> ports;
  while (rows.Next()) {
    ASSIGN_OR_RETURN(LoadBatch* const batch, to.Row(kMostRows));
    core::LiveRow& row = batch->live.emplace_back();
    row.uuid = rows.Key(0);
    row.id = rows.Int(1);
    row.revision = rows.Int(2);
    row.generation = rows.Int(3);
    row.started_generation = rows.Int(4);
    row.vm_state = Checked(model::VmStateFrom(rows.Bytes(5)));
    row.task_state = Checked(model::TaskStateFrom(rows.Bytes(6)));
    row.power_state = Checked(model::PowerStateFrom(static_cast<int>(rows.Int(7))));
    row.project_id = batch->Keep(rows.Bytes(8));
    row.name = batch->Keep(rows.Bytes(9));
    row.host = batch->Keep(rows.Bytes(10));
    row.server_group = batch->Keep(rows.Bytes(11));
    row.flavor = parts.Flavor(rows.Int(12)).get();
    row.image = parts.Image(rows.Int(13)).get();
    ReadPorts(rows.Bytes(14), ports);
    row.ports = batch->Keep(ports);
    if (!rows.IsNull(15)) {
      core::ClaimPart& claim = row.claim.emplace();
      claim.claim_id = rows.Key(15);
      const std::string_view host = rows.Bytes(16);
      claim.host = host == row.host ? row.host : batch->Keep(host);
      claim.generation = rows.Int(17);
      claim.resources = &parts.Resources(rows.Int(18));
      if (!rows.IsNull(19)) {
        claim.hardware = &batch->hardware.emplace_back(UnpackHardware(rows.Bytes(19)));
      }
    }
  }
  to.Flush();
  return OkStatus();
}

Status LoadAddresses(SQLite::Database& db, Feeder& to) {
  Rows rows(db, "SELECT network, address FROM addresses");
  std::string text;
  core::UuidKey network;
  while (rows.Next()) {
    if (rows.Bytes(0) != text) {
      text = rows.Bytes(0);
      ASSIGN_OR_RETURN(const Uuid uuid, Uuid::Parse(text));
      network = core::KeyOf(uuid);
    }
    ASSIGN_OR_RETURN(LoadBatch* const batch, to.Row(kMostRows));
    batch->addresses.emplace_back(network, batch->Keep(rows.Bytes(1)));
  }
  to.Flush();
  return OkStatus();
}

Status LoadRequests(SQLite::Database& db, Feeder& to) {
  Rows rows(db, "SELECT request_id, created_at FROM requests");
  while (rows.Next()) {
    ASSIGN_OR_RETURN(LoadBatch* const batch, to.Row(kMostRows));
    batch->requests.emplace_back(batch->Keep(rows.Bytes(0)), FromMicros(rows.Int(1)));
  }
  to.Flush();
  return OkStatus();
}

Status LoadRest(SQLite::Database& db, Feeder& to) {
  ASSIGN_OR_RETURN(LoadBatch* const batch, to.Row(1));
  core::Snapshot& all = batch->begin.emplace();
  DocReader docs;
  RETURN_IF_ERROR(LoadCatalog(db, docs, all));
  RETURN_IF_ERROR(LoadAggregates(db, docs, all));
  RETURN_IF_ERROR(LoadOutbox(db, all));
  all.last_instance_id = Sequence(db, "instances");
  all.last_flavor_id = Sequence(db, "flavors");
  all.last_aggregate_id = Sequence(db, "aggregates");
  all.last_outbox_id = Sequence(db, "outbox");
  all.last_revision = Meta(db, "last_revision");
  all.pruned_through = Meta(db, "pruned_through");
  Statement count(db, "SELECT COUNT(*) FROM instances");
  if (count.executeStep()) all.instances = static_cast<std::size_t>(count.getColumn(0).getInt64());
  to.Flush();
  return OkStatus();
}

}  // namespace

Status LoadAll(SQLite::Database& db, Parts& parts, LoadQueue& queue) {
  Feeder to(queue);
  RETURN_IF_ERROR(LoadRest(db, to));
  RETURN_IF_ERROR(LoadHosts(db, to));
  RETURN_IF_ERROR(LoadInstances(db, parts, to));
  RETURN_IF_ERROR(LoadAddresses(db, to));
  return LoadRequests(db, to);
}

}  // namespace kilonova::scheduler::adapters
