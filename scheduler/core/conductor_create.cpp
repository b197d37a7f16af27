// SPDX-License-Identifier: Apache-2.0
// Accepting instances: admit, place, give addresses, write, answer.
#include <algorithm>
#include <utility>

#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

Status Invalid(std::string_view field, std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
               {{"field", std::string(field)}});
}

std::string NewReservationId() {
  static constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  const std::string random = Uuid::Random().str();
  std::string id = "r-";
  std::size_t value = 0;
  for (char c : random) {
    if (c == '-') continue;
    value = value * 31 + static_cast<unsigned char>(c);
  }
  for (int i = 0; i < 8; ++i, value /= 36) id += kDigits[value % 36];
  return id;
}

// What the operator reads is cut to what is worth keeping with every failed request: some 32 KiB.
Explanation Kept(Explanation explanation) {
  constexpr std::size_t kMostHosts = 20;
  constexpr std::size_t kMostText = 256;
  const auto cut = [](std::string& text) {
    if (text.size() <= kMostText) return;
    text.resize(kMostText - 3);
    while (!text.empty() && !IsUtf8(text)) text.pop_back();
    text += "...";
  };
  if (explanation.explanations.size() > kMostHosts) explanation.explanations.resize(kMostHosts);
  for (HostExplanation& host : explanation.explanations) {
    for (FilterVerdict& verdict : host.verdicts) {
      cut(verdict.have);
      cut(verdict.need);
    }
  }
  for (Remedy& remedy : explanation.remedies) cut(remedy.change);
  return explanation;
}

std::string HowToAsk(const std::string& change) {
  const bool sentence = change.starts_with("with");
  return sentence ? change : "with " + change;
}

// What the owner reads: which rules said no to how many, and no host's name.
std::string RefusalText(const Explanation& why) {
  std::string text = "no host has room for this instance";
  std::string counts;
  for (const FilterCount& filter : why.filters) {
    if (filter.refused == 0) continue;
    counts +=
        (counts.empty() ? "" : ", ") + filter.filter + " refused " + std::to_string(filter.refused);
  }
  if (!counts.empty()) text += ": of " + std::to_string(why.hosts) + " hosts " + counts;
  for (const Remedy& remedy : why.remedies) {
    if (remedy.kind == "request") return text + "; it would fit " + HowToAsk(remedy.change);
  }
  return text;
}

// Which host a rule could not judge it on is for the operator.
Status ForTheOwner(const Status& refused, const std::string& request_id) {
  Details details = DetailsOf(refused);
  if (details.erase("host") == 0) return refused;
  LogInfo("request cannot be judged", {F("request", request_id), F("error", refused)});
  const std::string name = ReasonOf(refused);
  Status told = Error(refused.code(), Reason{name}, Message(refused));
  for (const auto& [key, value] : details) told = WithDetail(told, key, value);
  return told;
}

}  // namespace

// Places the records and makes them members of their group, as one step of that group.
Expected<PlaceResult> Conductor::Impl::Decide(Resolved& resolved,
                                              const std::vector<MutableInstance>& records) {
  const PlaceOptions options{.alternates = static_cast<std::size_t>(options_.max_attempts - 1)};
  while (true) {
    const std::uint64_t seen = Arrivals();
    PlaceResult placed;
    {
      const GroupLock decision(*this, resolved.group);
      RETURN_IF_ERROR(FillGroup(resolved.placement, resolved.group, {}, records.size()));
      ASSIGN_OR_RETURN(placed, engine_.Place(resolved.placement, options));
      for (std::size_t i = 0; i < placed.selections.size(); ++i) {
        JoinGroup(resolved.group, records[i]->uuid(), placed.selections[i].chosen.host);
      }
    }
    if (placed.placed()) return placed;
    ASSIGN_OR_RETURN(const bool again, HoldForHosts(seen));
    if (!again) return placed;
  }
}

std::uint64_t Conductor::Impl::RequestHash(std::string_view request_id) {
  return absl::Hash<std::string_view>{}(request_id);
}

std::uint32_t Conductor::Impl::SecondsOf(WallTime at) {
  return static_cast<std::uint32_t>(ToMicros(at) / 1'000'000);
}

// Either the answer of an earlier identical request, or nothing: then the id is ours until
// CreateInstances ends.
Expected<std::optional<std::vector<InstancePtr>>> Conductor::Impl::Admit(
    const CreateRequest& request, const std::string& digest) {
  const auto reused = [] {
    return Error(Code::kAlreadyExists, reason::kRequestIdReused,
                 "this request_id was used for another request", {{"field", "request_id"}});
  };
  {
    absl::MutexLock lock(&mutex_);
    const auto settled = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const auto other = admitted_.find(request.request_id);
      return other == admitted_.end() || other->second != digest;
    };
    mutex_.Await(absl::Condition(&settled));
    if (!admitted_.emplace(request.request_id, digest).second) return reused();
    if (!answered_.contains(RequestHash(request.request_id))) return std::nullopt;
  }
  const auto known = store_.Request(request.request_id);
  if (known.ok() && !*known) return std::nullopt;
  Dismiss(request.request_id);
  RETURN_IF_ERROR(known.status());
  if ((*known)->digest != digest) return reused();
  std::vector<InstancePtr> instances;
  for (const Uuid& uuid : (*known)->instances) {
    ASSIGN_OR_RETURN(instances.emplace_back(), GetInstance(uuid.str()));
  }
  return instances;
}

void Conductor::Impl::Dismiss(const std::string& request_id) {
  absl::MutexLock lock(&mutex_);
  admitted_.erase(request_id);
}

Expected<std::vector<InstancePtr>> Conductor::Impl::CreateInstances(const CreateRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id));
  if (request.count < 0 || request.count > options_.most_count) {
    return Invalid("count", "count must be 1 to " + std::to_string(options_.most_count));
  }
  RETURN_IF_ERROR(CheckTemplate(request.instance));
  if (request.count > 1 &&
      request.instance.name.size() + std::to_string(request.count).size() + 1 > 255) {
    return Invalid("name", "name must leave room for the number that is added to it");
  }
  const std::string digest = DigestOf(request);
  ASSIGN_OR_RETURN(auto earlier, Admit(request, digest));
  if (earlier) return *std::move(earlier);
  auto created = CreateAdmitted(request, digest);
  // A request that left no trace may be sent again.
  Dismiss(request.request_id);
  return created;
}

std::vector<MutableInstance> Conductor::Impl::NewRecords(const CreateRequest& request,
                                                         const Resolved& resolved) {
  const InstanceTemplate& t = request.instance;
  const std::int64_t count = std::max<std::int64_t>(request.count, 1);
  const WallTime now = clock_.Now();
  const bool ours = request.request_id.starts_with("req-") &&
                    Uuid::Parse(std::string_view(request.request_id).substr(4)).ok();
  const std::string request_id = ours ? request.request_id : NewRequestId();
  const std::string reservation = NewReservationId();
  std::vector<MutableInstance> records;
  for (std::int64_t i = 0; i < count; ++i) {
    auto record = std::make_shared<InstanceRecord>();
    model::InstanceSpec& spec = record->spec;
    spec.uuid = Uuid::Random();
    Names names = NamesOf(t.name, spec.uuid, count, i);
    spec.display_name = std::move(names.display_name);
    spec.hostname = std::move(names.hostname);
    spec.project_id = spec.project_name = resolved.placement.project_id;
    spec.user_id = spec.user_name = t.user_id.empty() ? "default" : t.user_id;
    spec.availability_zone = resolved.zone;
    spec.reservation_id = reservation;
    spec.launch_index = i;
    spec.key_name = t.key_name;
    spec.key_data = t.public_key;
    spec.user_data = t.user_data;
    spec.config_drive = t.config_drive;
    spec.metadata = t.metadata;
    spec.created_at = record->updated_at = now;
    record->flavor = resolved.flavor;
    record->image = resolved.image;
    record->kernel = resolved.kernel;
    record->ramdisk = resolved.ramdisk;
    record->hints = resolved.placement.hints;
    record->server_group = resolved.group;
    record->forced_host = resolved.placement.forced_host;
    if (resolved.placement.requested_destination) {
      record->forced_host = resolved.placement.requested_destination->host;
    }
    record->availability_zone = resolved.zone;
    record->request_id = record->action_request_id = request_id;
    records.push_back(std::move(record));
  }
  return records;
}

void Conductor::Impl::PutOn(InstanceRecord& record, const HostRef& where,
                            std::vector<HostRef> alternates) {
  record.host = where.host;
  record.node = where.node;
  record.alternates = std::move(alternates);
  record.tried_hosts.push_back(where.host);
  record.availability_zone = ZoneOf(where.host, record.spec.availability_zone);
  record.claim_id = Uuid::Random();
  ++record.generation;
}

std::string Conductor::Impl::ZoneOf(const std::string& host, const std::string& fallback) {
  absl::MutexLock lock(&mutex_);
  const auto found = hosts_.find(host);
  if (found != hosts_.end()) return ZoneOfHost(found->second);
  return fallback.empty() ? options_.default_availability_zone : fallback;
}

// They stay, in ERROR, for their owner to see why.
void Conductor::Impl::Refuse(const PlacementRequest& placement, Explanation refusal,
                             const std::vector<MutableInstance>& records) {
  AddRemedies(placement, refusal);
  const auto kept = std::make_shared<const Explanation>(Kept(std::move(refusal)));
  for (const MutableInstance& record : records) {
    record->vm_state = model::VmState::kError;
    record->task_state = model::TaskState::kNone;
    record->explanation = kept;
    record->fault =
        FaultRecord{std::string(reason::kNoValidHost.name), RefusalText(*kept), "", clock_.Now()};
  }
  LogInfo("no host fits", {F("request", records[0]->request_id), F("summary", kept->summary)});
}

// What goes with a record that has a host: its claim, its addresses, its message.
Status Conductor::Impl::AddPlaced(Change& change, const InstanceRecord& record,
                                  const model::Resources& resources, const CreateRequest& request) {
  change.ops.emplace_back(PutClaim{{record.claim_id, record.uuid(), record.host, record.generation,
                                    resources, engine_.HardwareOf(record.uuid())}});
  for (const model::NicRequest& nic : record.nics) {
    for (const model::FixedIp& ip : nic.fixed_ips) {
      change.ops.emplace_back(AddAddress{nic.network_id, ip.address, nic.port_id, record.uuid()});
    }
  }
  return AddBuild(change, record, request.instance.admin_password);
}

Expected<std::vector<InstancePtr>> Conductor::Impl::CreateAdmitted(const CreateRequest& request,
                                                                   const std::string& digest) {
  Resolved resolved;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(resolved, Resolve(request.instance));
    RETURN_IF_ERROR(CheckZoneAvailable(resolved));
  }
  std::vector<MutableInstance> records = NewRecords(request, resolved);
  for (const MutableInstance& r : records) resolved.placement.instances.push_back(r->uuid());
  FAILPOINT("scheduler.claim.before");
  auto decided = Decide(resolved, records);
  if (!decided.ok()) return ForTheOwner(decided.status(), records[0]->request_id);
  PlaceResult placed = *std::move(decided);
  FAILPOINT("scheduler.claim.after");

  Change change;
  const auto undo = [this, &records, &placed] {
    if (placed.placed()) {
      for (const MutableInstance& r : records) {
        engine_.Release(r->uuid());
        LeaveGroup(r->server_group, r->uuid());
      }
    }
    absl::MutexLock lock(&mutex_);
    for (const MutableInstance& r : records) ReleasePorts(*r);
  };
  change.on_failure.emplace_back(undo);
  const auto fail = [&](Status status) {
    undo();
    return status;
  };

  Status given;
  {
    absl::MutexLock lock(&mutex_);
    for (const MutableInstance& record : records) {
      record->spec.id = ++last_instance_id_;
      if (placed.placed() && given.ok()) given = GivePorts(*record, resolved.networks);
    }
  }
  if (!given.ok()) return fail(std::move(given));
  if (placed.placed()) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      PutOn(*records[i], placed.selections[i].chosen, placed.selections[i].alternates);
    }
  } else {
    Refuse(resolved.placement, std::move(placed.refusal), records);
  }

  RequestRow row{request.request_id, digest, {}, clock_.Now()};
  for (const MutableInstance& r : records) row.instances.push_back(r->uuid());
  change.ops.emplace_back(PutRequest{row});
  for (std::size_t i = 0; i < records.size(); ++i) {
    InstanceRecord& record = *records[i];
    change.Put(records[i],
               placed.placed() ? std::optional(request.instance.admin_password) : std::nullopt);
    if (!placed.placed()) continue;
    if (Status added = AddPlaced(change, record, placed.selections[i].resources, request);
        !added.ok()) {
      return fail(std::move(added));
    }
  }
  change.on_commit.emplace_back([this, row]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    answered_[RequestHash(row.request_id)] = SecondsOf(row.created_at);
  });
  RETURN_IF_ERROR(Commit(std::move(change)));
  FAILPOINT("scheduler.reply.before");
  return std::vector<InstancePtr>(records.begin(), records.end());
}

}  // namespace kilonova::scheduler::core
