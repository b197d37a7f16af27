// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/instance_rows.h"

#include <utility>

#include "scheduler/adapters/store/hardware_pack.h"
#include "scheduler/adapters/store/instance_pack.h"
#include "scheduler/adapters/store/parts.h"

namespace kilonova::scheduler::adapters {
namespace {

constexpr std::size_t kMostKnown = 10'000;

#define KILONOVA_INSTANCE_COLUMNS                                                          \
  "id, uuid, revision, vm_state, task_state, power_state, generation, started_generation," \
  " project_id, name, host, server_group, flavor, image, kernel, ramdisk, ports, terminated_at"
#define KILONOVA_INSTANCE_UPDATE                                                         \
  " ON CONFLICT (uuid) DO UPDATE SET revision = excluded.revision,"                      \
  " vm_state = excluded.vm_state, task_state = excluded.task_state,"                     \
  " power_state = excluded.power_state, generation = excluded.generation,"               \
  " started_generation = excluded.started_generation, project_id = excluded.project_id," \
  " name = excluded.name, host = excluded.host, server_group = excluded.server_group,"   \
  " flavor = excluded.flavor, image = excluded.image, kernel = excluded.kernel,"         \
  " ramdisk = excluded.ramdisk, ports = excluded.ports, terminated_at = excluded.terminated_at"

constexpr char kKeep[] =
    "INSERT INTO instances (" KILONOVA_INSTANCE_COLUMNS
    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" KILONOVA_INSTANCE_UPDATE;
constexpr char kWithPassword[] =
    "INSERT INTO instances (" KILONOVA_INSTANCE_COLUMNS
    ", admin_password) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
    "?)" KILONOVA_INSTANCE_UPDATE ", admin_password = excluded.admin_password";
constexpr char kDoc[] =
    "INSERT INTO instance_docs VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";

// A MAC's six bytes and the network's sixteen, of one port after the other.
std::string PortsOf(const core::InstanceRecord& record) {
  std::string ports;
  for (const model::NicRequest& nic : record.nics) {
    const std::uint64_t mac = core::MacNumber(nic.mac);
    for (int shift = 40; shift >= 0; shift -= 8) ports += static_cast<char>(mac >> shift);
    const auto network = BytesOf(core::KeyOf(nic.network_id));
    ports.append(network.begin(), network.end());
  }
  return ports;
}

std::string PartDoc(const model::Flavor& flavor) { return kFlavorPart + PackFlavor(flavor); }
std::string PartDoc(const model::ImageSource& image) { return kImagePart + PackImage(image); }

}  // namespace

std::int64_t InstanceRows::Part(const std::string& doc) {
  if (const auto known = parts_.find(doc); known != parts_.end()) return known->second;
  Binder(statements_.Use("INSERT OR IGNORE INTO parts (doc) VALUES (?)")).Blob(doc).Exec();
  Reading find(statements_.Use("SELECT id FROM parts WHERE doc = ?"));
  find.Bind().Blob(doc);
  find->executeStep();
  const std::int64_t id = find->getColumn(0).getInt64();
  if (parts_.size() >= kMostKnown) parts_.clear();
  parts_.emplace(doc, id);
  return id;
}

template <class T>
std::int64_t InstanceRows::SharedPart(const std::shared_ptr<const T>& value) {
  if (const auto known = shared_.find(value.get()); known != shared_.end()) return known->second.id;
  const std::int64_t id = Part(PartDoc(*value));
  if (shared_.size() >= kMostKnown) shared_.clear();
  shared_.emplace(value.get(), Known{value, id});
  return id;
}

void InstanceRows::Put(const core::InstanceRecord& r, std::int64_t revision, const std::string& doc,
                       const std::optional<std::string>& admin_password) {
  const std::string vm_state(model::Name(r.vm_state));
  const std::string task_state(model::Name(r.task_state));
  const std::string ports = PortsOf(r);
  const std::int64_t flavor = SharedPart(r.flavor), image = SharedPart(r.image);
  const std::int64_t kernel = r.kernel ? SharedPart(r.kernel) : 0;
  const std::int64_t ramdisk = r.ramdisk ? SharedPart(r.ramdisk) : 0;
  Binder bind(statements_.Use(admin_password ? kWithPassword : kKeep));
  bind(r.spec.id)(core::KeyOf(r.spec.uuid))(revision)(vm_state)(task_state);
  bind(static_cast<std::int64_t>(r.power_state))(r.generation)(r.started_generation);
  bind(r.spec.project_id)(r.spec.display_name)(r.host)(r.server_group)(flavor)(image);
  bind(kernel)(ramdisk).Blob(ports);
  if (r.terminated_at) {
    bind(ToMicros(*r.terminated_at));
  } else {
    bind.Null();
  }
  if (admin_password) bind(*admin_password);
  bind.Exec();
  Binder(statements_.Use(kDoc))(r.spec.id).Blob(doc).Exec();
  last_ = {r.spec.uuid, r.spec.id};
}

std::int64_t InstanceRows::IdOf(const Uuid& instance) {
  if (last_.first == instance) return last_.second;
  Reading find(statements_.Use("SELECT id FROM instances WHERE uuid = ?"));
  find.Bind()(core::KeyOf(instance));
  return find->executeStep() ? find->getColumn(0).getInt64() : 0;
}

bool InstanceRows::PutClaim(const core::ClaimRow& claim, const std::string& doc) {
  static constexpr char kSql[] =
      "UPDATE instances SET claim_id = ?, claim_host = ?, claim_generation = ?,"
      " claim_resources = ?, claim_hardware = ? WHERE id = ?";
  const std::string hardware = claim.hardware ? PackHardware(*claim.hardware) : std::string();
  const std::int64_t resources = Part(kResourcesPart + doc);
  Binder bind(statements_.Use(kSql));
  bind(core::KeyOf(claim.claim_id))(claim.host)(claim.generation)(resources);
  if (claim.hardware) {
    bind.Blob(hardware);
  } else {
    bind.Null();
  }
  return bind(IdOf(claim.instance)).Exec() == 1;
}

void InstanceRows::DropClaim(const Uuid& instance) {
  static constexpr char kSql[] =
      "UPDATE instances SET claim_id = NULL, claim_host = NULL, claim_generation = NULL,"
      " claim_resources = NULL, claim_hardware = NULL WHERE id = ?";
  Binder(statements_.Use(kSql))(IdOf(instance)).Exec();
}

void InstanceRows::RolledBack() {
  shared_.clear();
  parts_.clear();
  last_ = {};
}

}  // namespace kilonova::scheduler::adapters
