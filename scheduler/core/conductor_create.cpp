// SPDX-License-Identifier: Apache-2.0
// Accepting instances: validate, place, give addresses, write, answer.
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

// What a flavor must have for an image, before any host is asked.
Status CheckFit(const model::Flavor& flavor, const model::ImageSource& image) {
  if (flavor.disabled) {
    return Error(Code::kNotFound, reason::kFlavorNotFound,
                 "flavor " + flavor.name + " is disabled");
  }
  if (flavor.memory_mb < image.min_ram_mb) {
    return Error(Code::kInvalidArgument, reason::kFlavorMemoryTooSmall,
                 "the image needs " + std::to_string(image.min_ram_mb) + " MiB of memory, flavor " +
                     flavor.name + " has " + std::to_string(flavor.memory_mb),
                 {{"field", "flavor"}});
  }
  // A root disk of 0 is as large as the image: min_disk cannot be missed.
  if (flavor.root_gb != 0 && flavor.root_gb < image.min_disk_gb) {
    return Error(Code::kInvalidArgument, reason::kFlavorDiskTooSmall,
                 "the image needs a disk of " + std::to_string(image.min_disk_gb) +
                     " GiB, flavor " + flavor.name + " has " + std::to_string(flavor.root_gb),
                 {{"field", "flavor"}});
  }
  // Of other formats only the host, which reads the header, knows the size of the disk.
  constexpr std::uint64_t kGiB = 1ULL << 30;
  if (flavor.root_gb != 0 && image.disk_format == "raw" &&
      image.size_bytes > static_cast<std::uint64_t>(flavor.root_gb) * kGiB) {
    return Error(Code::kInvalidArgument, reason::kFlavorDiskTooSmall,
                 "the image is larger than the disk of flavor " + flavor.name,
                 {{"field", "flavor"}});
  }
  return OkStatus();
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

}  // namespace

Expected<std::shared_ptr<const model::ImageSource>> Conductor::Impl::KernelOf(
    const model::ImageSource& image, const char* property) {
  const auto named = image.properties.find(property);
  if (named == image.properties.end() || named->second.empty()) return nullptr;
  const auto uuid = Uuid::Parse(named->second);
  const auto found = uuid.ok() ? images_.find(*uuid) : images_.end();
  const std::string_view format = std::string_view(property) == "kernel_id" ? "aki" : "ari";
  if (found == images_.end()) {
    return Error(Code::kFailedPrecondition, reason::kImageNotFound,
                 "the image's " + std::string(property) + " names no registered image");
  }
  if (found->second.source.disk_format != format) {
    return Error(
        Code::kFailedPrecondition, reason::kImageInvalid,
        "the image's " + std::string(property) + " is not of disk_format " + std::string(format));
  }
  return std::make_shared<const model::ImageSource>(found->second.source);
}

Status Conductor::Impl::ResolveImage(const std::string& name, Resolved& resolved) {
  ASSIGN_OR_RETURN(const ImageRecord* image, FindImage(name));
  if (image->source.disk_format == "aki" || image->source.disk_format == "ari") {
    return Error(Code::kInvalidArgument, reason::kImageInvalid,
                 "a kernel or ramdisk image cannot be booted by itself", {{"field", "image"}});
  }
  resolved.image = std::make_shared<const model::ImageSource>(image->source);
  ASSIGN_OR_RETURN(resolved.kernel, KernelOf(image->source, "kernel_id"));
  ASSIGN_OR_RETURN(resolved.ramdisk, KernelOf(image->source, "ramdisk_id"));
  if (resolved.ramdisk && !resolved.kernel) {
    return Error(Code::kFailedPrecondition, reason::kImageInvalid,
                 "the image names a ramdisk and no kernel");
  }
  return CheckFit(*resolved.flavor, image->source);
}

Expected<Conductor::Impl::Resolved> Conductor::Impl::Resolve(const InstanceTemplate& t) {
  Resolved resolved;
  const model::Flavor* flavor = FindFlavor(t.flavor);
  if (flavor == nullptr) {
    return Error(Code::kNotFound, reason::kFlavorNotFound, "no flavor " + t.flavor);
  }
  resolved.flavor = flavors_.at(flavor->flavorid);
  // Only a question about placement comes without an image.
  if (!t.image.empty()) RETURN_IF_ERROR(ResolveImage(t.image, resolved));
  for (const std::string& name : t.networks) {
    const Network* network = FindNetwork(name);
    if (network == nullptr || network->leaving) {
      return Error(Code::kNotFound, reason::kNetworkNotFound, "no network " + name);
    }
    resolved.networks.push_back(network->record.id);
  }
  ASSIGN_OR_RETURN(const ZoneRequest zone, ParseZone(t.availability_zone));
  resolved.zone = zone.zone;
  ASSIGN_OR_RETURN(const std::string forced, ForcedHost(zone));
  PlacementRequest& placement = resolved.placement;
  placement.flavor = *resolved.flavor;
  if (resolved.image) {
    placement.image_id = resolved.image->id.str();
    placement.image_properties = resolved.image->properties;
  }
  placement.availability_zone = zone.zone;
  placement.forced_host = forced;
  placement.forced_node = zone.node;
  ASSIGN_OR_RETURN(placement.requested_destination, DestinationOf(t));
  // A forced host skips the filters, and yet nothing new goes where nothing new may go.
  if (!forced.empty() && !HostIsUp(forced)) placement.ignore_hosts.push_back(forced);
  placement.project_id = t.project_id.empty() ? "default" : t.project_id;
  ASSIGN_OR_RETURN(placement.hints, ValidateHints(t.hints));
  RETURN_IF_ERROR(
      AskPlacement(resolved.image ? resolved.image->disk_format : std::string(), placement));
  if (const auto group = placement.hints.find("group");
      group != placement.hints.end() && !group->second.empty()) {
    ASSIGN_OR_RETURN(resolved.group, Uuid::Parse(group->second.front()));
  }
  return resolved;
}

Expected<std::optional<RequestedDestination>> Conductor::Impl::DestinationOf(
    const InstanceTemplate& t) {
  std::optional<RequestedDestination> none;
  if (t.requested_host.empty() && t.requested_node.empty()) return none;
  const bool by_host = !t.requested_host.empty();
  for (const auto& [name, host] : hosts_) {
    const std::string& node = host.row.report.hypervisor_hostname;
    if (by_host && name != t.requested_host) continue;
    if (!t.requested_node.empty() && node != t.requested_node) continue;
    return std::optional(RequestedDestination{name, node, {}, false});
  }
  return Error(Code::kInvalidArgument, reason::kHostNotFound, "no such host or node",
               {{"field", by_host ? "host" : "hypervisor_hostname"}});
}

// The host that "zone:host:node" names; "" = none.
Expected<std::string> Conductor::Impl::ForcedHost(const ZoneRequest& zone) {
  const auto none = [](const std::string& what) {
    return Error(Code::kInvalidArgument, reason::kHostNotFound, "no " + what,
                 {{"field", "availability_zone"}});
  };
  if (zone.host.empty() && zone.node.empty()) return std::string();
  if (zone.host.empty()) {
    for (const auto& [name, host] : hosts_) {
      if (host.row.report.hypervisor_hostname == zone.node) return name;
    }
    return none("node " + zone.node);
  }
  const auto found = hosts_.find(zone.host);
  if (found == hosts_.end()) return none("host " + zone.host);
  if (!zone.node.empty() && found->second.row.report.hypervisor_hostname != zone.node) {
    return none("node " + zone.node + " on host " + zone.host);
  }
  return zone.host;
}

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

Expected<PlacementRequest> Conductor::Impl::PlacementFor(const InstanceTemplate& instance,
                                                         std::int64_t count) {
  RETURN_IF_ERROR(CheckTemplate(instance));
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(Resolved resolved, Resolve(instance));
  for (std::int64_t i = 0; i < count; ++i) resolved.placement.instances.push_back(Uuid::Random());
  RETURN_IF_ERROR(
      FillGroupLocked(resolved.placement, resolved.group, {}, static_cast<std::size_t>(count)));
  return std::move(resolved.placement);
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

std::string Conductor::Impl::NewMac() {
  while (true) {
    const std::string r = Uuid::Random().str();
    std::string mac = "fa:16:3e:" + r.substr(0, 2) + ":" + r.substr(2, 2) + ":" + r.substr(4, 2);
    if (macs_.insert(MacNumber(mac)).second) return mac;
  }
}

// On an error what was given so far is in record.nics, for ReleasePorts.
Status Conductor::Impl::GivePorts(InstanceRecord& record, const std::vector<Uuid>& networks) {
  for (const Uuid& id : networks) {
    const auto found = networks_.find(id);
    if (found == networks_.end() || found->second.leaving) {
      return Error(Code::kNotFound, reason::kNetworkNotFound, "the network was deleted");
    }
    Network& network = found->second;
    model::NicRequest nic;
    if (network.record.addressing == AddressingKind::kIpam) {
      ASSIGN_OR_RETURN(nic.fixed_ips.emplace_back(), network.pool.Take());
    }
    ++network.ports;
    nic.port_id = Uuid::Random();
    nic.network_id = id;
    nic.network_name = network.record.name;
    nic.kind = network.record.kind;
    nic.source = network.record.source;
    nic.mac = NewMac();
    nic.mtu = network.record.mtu;
    nic.dhcp = network.record.addressing == AddressingKind::kDhcp;
    nic.dns_servers = network.record.dns_servers;
    record.nics.push_back(std::move(nic));
  }
  return OkStatus();
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

Expected<std::vector<InstancePtr>> Conductor::Impl::CreateAdmitted(const CreateRequest& request,
                                                                   const std::string& digest) {
  Resolved resolved;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(resolved, Resolve(request.instance));
  }
  std::vector<MutableInstance> records = NewRecords(request, resolved);
  for (const MutableInstance& r : records) resolved.placement.instances.push_back(r->uuid());
  FAILPOINT("scheduler.claim.before");
  ASSIGN_OR_RETURN(PlaceResult placed, Decide(resolved, records));
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
    AddRemedies(resolved.placement, placed.refusal);
    const auto kept = std::make_shared<const Explanation>(Kept(std::move(placed.refusal)));
    for (const MutableInstance& record : records) {
      record->vm_state = model::VmState::kError;
      record->task_state = model::TaskState::kNone;
      record->explanation = kept;
      record->fault =
          FaultRecord{std::string(reason::kNoValidHost.name), RefusalText(*kept), "", clock_.Now()};
    }
    LogInfo("no host fits", {F("request", records[0]->request_id), F("summary", kept->summary)});
  }

  RequestRow row{request.request_id, digest, {}, clock_.Now()};
  for (const MutableInstance& r : records) row.instances.push_back(r->uuid());
  change.ops.emplace_back(PutRequest{row});
  for (std::size_t i = 0; i < records.size(); ++i) {
    InstanceRecord& record = *records[i];
    change.Put(records[i],
               placed.placed() ? std::optional(request.instance.admin_password) : std::nullopt);
    if (!placed.placed()) continue;
    change.ops.emplace_back(
        PutClaim{{record.claim_id, record.uuid(), record.host, record.generation,
                  placed.selections[i].resources, engine_.HardwareOf(record.uuid())}});
    for (const model::NicRequest& nic : record.nics) {
      for (const model::FixedIp& ip : nic.fixed_ips) {
        change.ops.emplace_back(AddAddress{nic.network_id, ip.address, nic.port_id, record.uuid()});
      }
    }
    if (Status added = AddBuild(change, record, request.instance.admin_password); !added.ok()) {
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
