// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/reader.h"

#include <absl/cleanup/cleanup.h>

#include <string_view>
#include <thread>
#include <utility>

#include "scheduler/adapters/store/load.h"

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
  } catch (const std::invalid_argument& e) {
    return Error(Code::kDataLoss, reason::kInternal, "the database holds a row that cannot be read",
                 {{kOperatorDetail, e.what()}});
  }
}

// Of text or bytes.
std::string_view BytesOf(const SQLite::Column& column) {
  return {static_cast<const char*>(column.getBlob()), static_cast<std::size_t>(column.getBytes())};
}

#define KILONOVA_INSTANCES                                                            \
  "SELECT i.revision, i.flavor, i.image, i.kernel, i.ramdisk, d.doc FROM instances i" \
  " JOIN instance_docs d ON d.id = i.id WHERE "

Status NoInstance() {
  return Error(Code::kNotFound, reason::kInstanceNotFound, "no such instance");
}

// What no column tells.
bool Matches(const core::InstanceRecord& r, const core::DeletedQuery& q) {
  return (q.flavorid.empty() || r.flavor->flavorid == q.flavorid) &&
         (q.image_id.empty() || r.image->id.str() == q.image_id);
}

}  // namespace

Reader::Reader(std::unique_ptr<SQLite::Database> db)
    : db_(std::move(db)), statements_(*db_), parts_(statements_) {}

Status Reader::Load(core::LoadVisitor& to) {
  absl::MutexLock lock(&mutex_);
  LoadQueue queue;
  // Reads for us, who hold the lock, while we build from what was read before.
  std::jthread reads([&] { queue.End(ReadInto(queue)); });
  const absl::Cleanup done = [&] { queue.Cancel(); };  // before the thread is waited for
  Status taken;
  while (auto batch = queue.Take()) {
    taken = batch->HandTo(to);
    if (!taken.ok()) break;
    queue.GiveBack(std::move(batch));
  }
  return taken.ok() ? queue.status() : taken;
}

Status Reader::ReadInto(LoadQueue& queue) {
  try {
    return Guarded([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> Status {
      SQLite::Transaction one_view(*db_);
      return LoadAll(*db_, parts_, queue);
    });
  } catch (const std::exception& e) {
    return Error(Code::kInternal, reason::kInternal, "the scheduler's database cannot be loaded",
                 {{kOperatorDetail, e.what()}});
  }
}

Expected<InstancePtr> Reader::Read(Statement& row) {
  DocReader docs;
  ASSIGN_OR_RETURN(core::InstanceRecord record,
                   docs.InstanceWithoutParts(BytesOf(row.getColumn(5))));
  record.revision = row.getColumn(0).getInt64();
  record.flavor = parts_.Flavor(row.getColumn(1).getInt64());
  record.image = parts_.Image(row.getColumn(2).getInt64());
  const auto image = [&](int column) -> std::shared_ptr<const model::ImageSource> {
    mutex_.AssertHeld();
    const std::int64_t part = row.getColumn(column).getInt64();
    return part == 0 ? nullptr : parts_.Image(part);
  };
  record.kernel = image(3);
  record.ramdisk = image(4);
  return std::make_shared<const core::InstanceRecord>(std::move(record));
}

Expected<InstancePtr> Reader::Instance(const Uuid& uuid) {
  static constexpr char kSql[] = KILONOVA_INSTANCES "i.uuid = ?";
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<InstancePtr> {
    mutex_.AssertHeld();
    Reading query(statements_.Use(kSql));
    query.Bind()(core::KeyOf(uuid));
    if (query->executeStep()) return Read(*query);
    return NoInstance();
  });
}

Expected<std::vector<InstancePtr>> Reader::Instances(std::span<const std::int64_t> ids) {
  static constexpr char kSql[] = KILONOVA_INSTANCES "i.id = ?";
  std::vector<InstancePtr> found;
  if (ids.empty()) return found;
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<std::vector<InstancePtr>> {
    mutex_.AssertHeld();
    SQLite::Transaction one_view(*db_);
    for (const std::int64_t id : ids) {
      Reading query(statements_.Use(kSql));
      query->bind(1, id);
      if (!query->executeStep()) continue;
      ASSIGN_OR_RETURN(found.emplace_back(), Read(*query));
    }
    return found;
  });
}

Expected<InstancePtr> Reader::DeletedInstance(const Uuid& uuid) {
  ASSIGN_OR_RETURN(InstancePtr record, Instance(uuid));
  if (record->deleted()) return record;
  return NoInstance();
}

Expected<std::vector<InstancePtr>> Reader::DeletedInstances(const core::DeletedQuery& wanted) {
  static constexpr char kSql[] = KILONOVA_INSTANCES
      "i.terminated_at IS NOT NULL AND i.id < ?1 AND (?2 = '' OR i.project_id = ?2)"
      " AND (?3 = '' OR i.host = ?3) AND (?4 = '' OR i.name = ?4) ORDER BY i.id DESC";
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<std::vector<InstancePtr>> {
    mutex_.AssertHeld();
    Reading query(statements_.Use(kSql));
    query.Bind()(wanted.before_id)(wanted.project_id)(wanted.host)(wanted.name);
    std::vector<InstancePtr> found;
    while (found.size() < wanted.most && query->executeStep()) {
      ASSIGN_OR_RETURN(InstancePtr record, Read(*query));
      if (Matches(*record, wanted)) found.push_back(std::move(record));
    }
    return found;
  });
}

Expected<std::vector<InstancePtr>> Reader::DeletedSince(std::int64_t after, std::int64_t up_to,
                                                        std::size_t most) {
  static constexpr char kSql[] = KILONOVA_INSTANCES
      "i.terminated_at IS NOT NULL AND i.revision > ? AND i.revision <= ?"
      " ORDER BY i.revision LIMIT ?";
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<std::vector<InstancePtr>> {
    mutex_.AssertHeld();
    Reading query(statements_.Use(kSql));
    query.Bind()(after)(up_to)(static_cast<std::int64_t>(most));
    std::vector<InstancePtr> found;
    while (query->executeStep()) {
      ASSIGN_OR_RETURN(found.emplace_back(), Read(*query));
    }
    return found;
  });
}

Expected<std::optional<core::RequestRow>> Reader::Request(const std::string& request_id) {
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<std::optional<core::RequestRow>> {
    mutex_.AssertHeld();
    Reading query(
        statements_.Use("SELECT digest, created_at, doc FROM requests WHERE request_id = ?"));
    query.Bind()(request_id);
    std::optional<core::RequestRow> none;
    if (!query->executeStep()) return none;
    core::RequestRow row;
    row.request_id = request_id;
    row.digest = query->getColumn(0).getString();
    row.created_at = FromMicros(query->getColumn(1).getInt64());
    ASSIGN_OR_RETURN(row.instances, DocReader().Uuids(query->getColumn(2).getText()));
    return std::optional(std::move(row));
  });
}

Expected<std::string> Reader::OutboxBody(std::int64_t id) {
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<std::string> {
    mutex_.AssertHeld();
    Reading query(statements_.Use("SELECT body FROM outbox WHERE id = ?"));
    query->bind(1, id);
    if (query->executeStep()) return query->getColumn(0).getString();
    return Error(Code::kNotFound, reason::kInternal, "no such message");
  });
}

Expected<std::string> Reader::AdminPassword(const Uuid& instance) {
  absl::MutexLock lock(&mutex_);
  return Guarded([&]() -> Expected<std::string> {
    mutex_.AssertHeld();
    Reading query(statements_.Use("SELECT admin_password FROM instances WHERE uuid = ?"));
    query.Bind()(core::KeyOf(instance));
    return query->executeStep() ? query->getColumn(0).getString() : std::string();
  });
}

}  // namespace kilonova::scheduler::adapters
