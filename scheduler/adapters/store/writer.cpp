// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/writer.h"

#include <memory>
#include <utility>

#include "scheduler/adapters/store/instance_pack.h"
#include "scheduler/adapters/store/report_pack.h"
#include "scheduler/adapters/store/rows.h"

namespace kilonova::scheduler::adapters {
namespace {

struct DocOf {
  std::string operator()(const core::PutInstance& op) const { return PackInstance(*op.record); }
  std::string operator()(const core::PutClaim& op) const {
    return ResourcesDoc(op.claim.resources);
  }
  std::string operator()(const core::PutRequest& op) const {
    return UuidsDoc(op.request.instances);
  }
  std::string operator()(const core::PutHost& op) const { return PackReport(op.host.report); }
  std::string operator()(const core::PutFlavor& op) const { return FlavorDoc(op.flavor); }
  std::string operator()(const core::PutImage& op) const { return ImageDoc(op.image.source); }
  std::string operator()(const core::PutNetwork& op) const { return NetworkDoc(op.network); }
  std::string operator()(const core::PutAggregate& op) const {
    return MetadataDoc(op.aggregate.metadata);
  }
  std::string operator()(const core::PutServerGroup& op) const { return GroupDoc(op.group); }
  std::string operator()(const core::PutSharingProvider& op) const {
    return PackProvider(op.provider);
  }
  template <class Other>
  std::string operator()(const Other&) const {
    return {};
  }
};

}  // namespace

PreparedOp Prepare(core::Op op) {
  std::string doc = std::visit(DocOf{}, op);
  return {std::move(op), std::move(doc)};
}

UnitWriter::UnitWriter(SQLite::Database& db) : db_(db), statements_(db), instances_(statements_) {
  revision_ = committed_revision_ = Meta("last_revision");
}

std::int64_t UnitWriter::Meta(const char* key) {
  SQLite::Statement query(db_, "SELECT value FROM meta WHERE key = ?");
  query.bind(1, key);
  return query.executeStep() ? query.getColumn(0).getInt64() : 0;
}

void UnitWriter::SetMeta(const char* key, std::int64_t value) {
  SQLite::Statement& update = Use("UPDATE meta SET value = ? WHERE key = ?");
  update.tryReset();
  update.bind(1, value);
  update.bind(2, key);
  update.exec();
}

Status UnitWriter::Apply(const std::vector<PreparedOp>& unit, core::CommitInfo& info) {
  instances_.BeginUnit();
  for (const PreparedOp& prepared : unit) {
    RETURN_IF_ERROR(
        std::visit([&](const auto& op) { return Do(op, prepared.doc, info); }, prepared.op));
  }
  return OkStatus();
}

void UnitWriter::ResetAll() {
  statements_.ResetAll();
  instances_.RolledBack();
}

void UnitWriter::RolledBack() {
  revision_ = committed_revision_;
  instances_.RolledBack();
}

void UnitWriter::FinishTransaction() {
  if (revision_ != committed_revision_) SetMeta("last_revision", revision_);
}

Status UnitWriter::Do(const core::PutInstance& op, const std::string& doc, core::CommitInfo& info) {
  instances_.Put(*op.record, ++revision_, doc, op.admin_password);
  info.revisions.push_back(revision_);
  return OkStatus();
}

Status UnitWriter::Do(const core::PutClaim& op, const std::string& doc, core::CommitInfo&) {
  if (instances_.PutClaim(op.claim, doc)) return OkStatus();
  return Error(Code::kInternal, reason::kInternal, "a claim of an instance that is not there");
}

Status UnitWriter::Do(const core::DropClaim& op, const std::string&, core::CommitInfo&) {
  instances_.DropClaim(op.instance);
  return OkStatus();
}

Status UnitWriter::Do(const core::PutRequest& op, const std::string& doc, core::CommitInfo&) {
  static constexpr char kSql[] = "INSERT OR IGNORE INTO requests VALUES (?, ?, ?, ?)";
  const int added = Binder(Use(kSql))(op.request.request_id)(op.request.digest)(
                        ToMicros(op.request.created_at))(doc)
                        .Exec();
  if (added == 1) return OkStatus();
  return Error(Code::kAlreadyExists, reason::kRequestIdReused,
               "this request_id was used for another request");
}

Status UnitWriter::Do(const core::AddOutbox& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
  const core::OutboxRow& r = op.row;
  Binder(Use(kSql))(r.id)(r.host)(r.instance)(r.generation)(r.method)(r.unique_id)(
      ToMicros(r.created_at))
      .Blob(r.body)
      .Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::DropOutbox& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "DELETE FROM outbox WHERE id = ?";
  Binder(Use(kSql))(op.id).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::AddAddress& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "INSERT OR IGNORE INTO addresses VALUES (?, ?, ?, ?)";
  if (Binder(Use(kSql))(op.network)(op.address)(op.port)(instances_.IdOf(op.instance)).Exec() ==
      1) {
    return OkStatus();
  }
  return Error(Code::kAlreadyExists, reason::kInternal, "the address is in use already");
}

Status UnitWriter::Do(const core::DropAddresses& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "DELETE FROM addresses WHERE instance = ?";
  Binder(Use(kSql))(instances_.IdOf(op.instance)).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::PutHost& op, const std::string& doc, core::CommitInfo&) {
  static constexpr char kSql[] =
      "INSERT INTO hosts (name, enabled, disabled_reason, agent_version, journal_id, last_seq,"
      " last_seen, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
      " last_seq = CASE WHEN journal_id = excluded.journal_id"
      " THEN MAX(last_seq, excluded.last_seq) ELSE excluded.last_seq END,"
      " agent_version = excluded.agent_version, journal_id = excluded.journal_id,"
      " last_seen = excluded.last_seen, doc = excluded.doc";
  const core::HostRow& h = op.host;
  Binder(Use(kSql))(h.name)(std::int64_t{h.enabled})(h.disabled_reason)(h.agent_version)(
      h.journal_id)(h.last_seq)(ToMicros(h.last_seen))
      .Blob(doc)
      .Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::SetHostEnabled& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "UPDATE hosts SET enabled = ?, disabled_reason = ? WHERE name = ?";
  Binder(Use(kSql))(std::int64_t{op.enabled})(op.reason)(op.host).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::SetHostSeq& op, const std::string&, core::CommitInfo&) {
  // A journal's numbers only grow; an older batch that comes late must not take them back.
  static constexpr char kSql[] =
      "UPDATE hosts SET last_seq = MAX(last_seq, ?) WHERE name = ? AND journal_id = ?";
  Binder(Use(kSql))(op.last_seq)(op.host)(op.journal_id).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::PutFlavor& op, const std::string& doc, core::CommitInfo&) {
  static constexpr char kSql[] =
      "INSERT INTO flavors VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";
  Binder(Use(kSql))(op.flavor.id)(op.flavor.flavorid)(op.flavor.name)(doc).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::DropFlavor& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "DELETE FROM flavors WHERE flavorid = ?";
  Binder(Use(kSql))(op.flavorid).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::PutImage& op, const std::string& doc, core::CommitInfo&) {
  static constexpr char kSql[] = "INSERT OR REPLACE INTO images VALUES (?, ?, ?)";
  Binder(Use(kSql))(op.image.source.id)(ToMicros(op.image.created_at))(doc).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::DropImage& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "DELETE FROM images WHERE id = ?";
  Binder(Use(kSql))(op.id).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::PutNetwork& op, const std::string& doc, core::CommitInfo&) {
  static constexpr char kSql[] = "INSERT INTO networks VALUES (?, ?, ?)";
  Binder(Use(kSql))(op.network.id)(op.network.name)(doc).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::DropNetwork& op, const std::string&, core::CommitInfo&) {
  Binder(Use("DELETE FROM reserved WHERE network = ?"))(op.id).Exec();
  static constexpr char kSql[] = "DELETE FROM networks WHERE id = ?";
  Binder(Use(kSql))(op.id).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::PutAggregate& op, const std::string& doc, core::CommitInfo&) {
  static constexpr char kSql[] =
      "INSERT INTO aggregates (id, uuid, name, created_at, updated_at, doc)"
      " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
      " updated_at = excluded.updated_at, doc = excluded.doc";
  const core::AggregateRecord& a = op.aggregate;
  Binder bind(Use(kSql));
  bind(a.id)(a.uuid)(a.name)(ToMicros(a.created_at));
  if (a.updated_at) {
    bind(ToMicros(*a.updated_at));
  } else {
    bind.Null();
  }
  bind(doc).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::DropAggregate& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "DELETE FROM aggregates WHERE id = ?";
  Binder(Use(kSql))(op.id).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::AddAggregateHost& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "INSERT OR IGNORE INTO aggregate_hosts VALUES (?, ?)";
  Binder(Use(kSql))(op.id)(op.host).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::DropAggregateHost& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "DELETE FROM aggregate_hosts WHERE aggregate = ? AND host = ?";
  Binder(Use(kSql))(op.id)(op.host).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::PutServerGroup& op, const std::string& doc, core::CommitInfo&) {
  static constexpr char kSql[] = "INSERT OR REPLACE INTO server_groups VALUES (?, ?, ?)";
  Binder(Use(kSql))(op.group.id)(ToMicros(op.group.created_at))(doc).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::DropServerGroup& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "DELETE FROM server_groups WHERE id = ?";
  Binder(Use(kSql))(op.id).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::PutSharingProvider& op, const std::string& doc,
                      core::CommitInfo&) {
  static constexpr char kSql[] = "INSERT OR REPLACE INTO sharing_providers VALUES (?, ?)";
  Binder(Use(kSql))(op.provider.name).Blob(doc).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::DropSharingProvider& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "DELETE FROM sharing_providers WHERE name = ?";
  Binder(Use(kSql))(op.name).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::RaiseInstanceId& op, const std::string&, core::CommitInfo&) {
  // The table has no row for `instances` before the first one, and no key to conflict on.
  static constexpr char kAdd[] =
      "INSERT INTO sqlite_sequence (name, seq) SELECT 'instances', 0"
      " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'instances')";
  static constexpr char kRaise[] =
      "UPDATE sqlite_sequence SET seq = MAX(seq, ?) WHERE name = 'instances'";
  Binder(Use(kAdd)).Exec();
  Binder(Use(kRaise))(op.id).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::PutReserved& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "INSERT OR REPLACE INTO reserved VALUES (?, ?, ?, ?)";
  const core::ReservedRow& r = op.row;
  Binder(Use(kSql))(r.network)(r.address)(r.instance)(r.host).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::DropReserved& op, const std::string&, core::CommitInfo&) {
  static constexpr char kSql[] = "DELETE FROM reserved WHERE instance = ?";
  Binder(Use(kSql))(op.instance).Exec();
  return OkStatus();
}

Status UnitWriter::Do(const core::Prune& op, const std::string&, core::CommitInfo& info) {
  const std::int64_t before = ToMicros(op.before);
  const auto most = static_cast<std::int64_t>(op.most);
  SQLite::Statement& highest =
      Use("SELECT COALESCE(MAX(revision), 0) FROM (SELECT revision FROM instances"
          " WHERE terminated_at < ? ORDER BY terminated_at LIMIT ?)");
  Binder bind(highest);
  bind(before)(most);
  std::int64_t gone = 0;
  if (highest.executeStep()) gone = highest.getColumn(0).getInt64();
  highest.tryReset();
  info.pruned_through = Meta("pruned_through");
  if (gone > info.pruned_through) {
    SetMeta("pruned_through", gone);
    info.pruned_through = gone;
  }
  static constexpr char kInstances[] =
      "DELETE FROM instances WHERE id IN (SELECT id FROM instances WHERE terminated_at < ?"
      " ORDER BY terminated_at LIMIT ?)";
  const int instances = Binder(Use(kInstances))(before)(most).Exec();
  static constexpr char kRequests[] =
      "DELETE FROM requests WHERE request_id IN (SELECT request_id FROM requests"
      " WHERE created_at < ? ORDER BY created_at LIMIT ?)";
  const int requests = Binder(Use(kRequests))(before)(most).Exec();
  info.prune_again = instances >= most || requests >= most;
  return OkStatus();
}

}  // namespace kilonova::scheduler::adapters
