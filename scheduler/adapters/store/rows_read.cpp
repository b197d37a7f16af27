// SPDX-License-Identifier: Apache-2.0
// Documents to records.
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "scheduler/adapters/store/report_pack.h"
#include "scheduler/adapters/store/rows.h"

namespace kilonova::scheduler::adapters {
namespace {

using Json = nlohmann::json;
using core::FaultRecord;
using core::InstanceRecord;

template <class T>
void Get(const Json& json, const char* key, T& out) {
  if (const auto it = json.find(key); it != json.end() && !it->is_null()) it->get_to(out);
}
void Get(const Json& json, const char* key, Uuid& out) {
  std::string text;
  Get(json, key, text);
  if (text.empty()) {
    out = Uuid();
  } else if (auto uuid = Uuid::Parse(text); uuid.ok()) {
    out = *std::move(uuid);
  } else {
    throw std::invalid_argument(std::string("not a uuid: ") + key);
  }
}
void GetTime(const Json& json, const char* key, WallTime& out) {
  std::int64_t micros = 0;
  Get(json, key, micros);
  out = FromMicros(micros);
}
void GetTime(const Json& json, const char* key, std::optional<WallTime>& out) {
  if (json.contains(key)) GetTime(json, key, out.emplace());
}
model::Flavor ToFlavor(const Json& j) {
  model::Flavor f;
  Get(j, "id", f.id);
  Get(j, "flavorid", f.flavorid);
  Get(j, "name", f.name);
  Get(j, "vcpus", f.vcpus);
  Get(j, "memory_mb", f.memory_mb);
  Get(j, "root_gb", f.root_gb);
  Get(j, "ephemeral_gb", f.ephemeral_gb);
  Get(j, "swap_mb", f.swap_mb);
  Get(j, "rxtx_factor", f.rxtx_factor);
  Get(j, "is_public", f.is_public);
  Get(j, "disabled", f.disabled);
  Get(j, "description", f.description);
  Get(j, "extra_specs", f.extra_specs);
  return f;
}
model::ImageSource ToImage(const Json& j) {
  model::ImageSource i;
  Get(j, "id", i.id);
  Get(j, "name", i.name);
  Get(j, "disk_format", i.disk_format);
  Get(j, "container_format", i.container_format);
  Get(j, "url", i.url);
  Get(j, "sha256", i.sha256);
  Get(j, "size_bytes", i.size_bytes);
  Get(j, "min_disk_gb", i.min_disk_gb);
  Get(j, "min_ram_mb", i.min_ram_mb);
  Get(j, "properties", i.properties);
  return i;
}
model::InstanceSpec ToSpec(const Json& j) {
  model::InstanceSpec s;
  Get(j, "id", s.id);
  Get(j, "uuid", s.uuid);
  Get(j, "display_name", s.display_name);
  Get(j, "hostname", s.hostname);
  Get(j, "project_id", s.project_id);
  Get(j, "project_name", s.project_name);
  Get(j, "user_id", s.user_id);
  Get(j, "user_name", s.user_name);
  Get(j, "availability_zone", s.availability_zone);
  Get(j, "reservation_id", s.reservation_id);
  Get(j, "launch_index", s.launch_index);
  Get(j, "key_name", s.key_name);
  Get(j, "key_data", s.key_data);
  Get(j, "user_data", s.user_data);
  Get(j, "config_drive", s.config_drive);
  Get(j, "metadata", s.metadata);
  GetTime(j, "created_at", s.created_at);
  return s;
}
model::NetworkKind ToKind(const Json& j) {
  bool bridge = false;
  Get(j, "bridge", bridge);
  return bridge ? model::NetworkKind::kBridge : model::NetworkKind::kLibvirtNetwork;
}
model::NicRequest ToNic(const Json& j) {
  model::NicRequest n;
  Get(j, "port_id", n.port_id);
  Get(j, "network_id", n.network_id);
  Get(j, "network_name", n.network_name);
  n.kind = ToKind(j);
  Get(j, "source", n.source);
  Get(j, "mac", n.mac);
  Get(j, "mtu", n.mtu);
  Get(j, "dhcp", n.dhcp);
  for (const Json& ip : j.value("fixed_ips", Json::array())) {
    model::FixedIp& fixed = n.fixed_ips.emplace_back();
    Get(ip, "address", fixed.address);
    Get(ip, "prefix", fixed.prefix);
    Get(ip, "gateway", fixed.gateway);
    Get(ip, "version", fixed.version);
  }
  Get(j, "dns_servers", n.dns_servers);
  return n;
}
FaultRecord ToFault(const Json& j) {
  FaultRecord f;
  Get(j, "reason", f.reason);
  Get(j, "message", f.message);
  Get(j, "host", f.host);
  GetTime(j, "at", f.at);
  return f;
}
core::Explanation ToExplanation(const Json& j) {
  core::Explanation e;
  Get(j, "hosts", e.hosts);
  Get(j, "passed", e.passed);
  Get(j, "summary", e.summary);
  for (const Json& f : j.value("filters", Json::array())) {
    e.filters.push_back({f.at(0), f.at(1), f.at(2)});
  }
  for (const Json& r : j.value("remedies", Json::array())) {
    e.remedies.push_back({r.at(0), r.at(1), r.at(2), r.at(3)});
  }
  for (const Json& h : j.value("explanations", Json::array())) {
    core::HostExplanation& host = e.explanations.emplace_back();
    Get(h, "host", host.host);
    Get(h, "passed", host.passed);
    Get(h, "total_weight", host.total_weight);
    for (const Json& v : h.value("verdicts", Json::array())) {
      host.verdicts.push_back({v.at(0), v.at(1), v.at(2), v.at(3)});
    }
    for (const Json& w : h.value("weights", Json::array())) {
      host.weights.push_back({w.at(0), w.at(1), w.at(2), w.at(3)});
    }
  }
  return e;
}

template <class T, class F>
std::shared_ptr<const T> Shared(std::map<std::string, std::shared_ptr<const T>, std::less<>>& known,
                                const Json& json, F read) {
  auto& entry = known[json.dump()];
  if (entry == nullptr) entry = std::make_shared<const T>(read(json));
  return entry;
}

Status Unreadable(const std::exception& e) {
  return Error(Code::kDataLoss, reason::kInternal, "the database holds a row that cannot be read",
               {{kOperatorDetail, e.what()}});
}

template <class F>
auto Read(std::string_view doc, F read) -> Expected<decltype(read(Json()))> {
  try {
    return read(Json::parse(doc));
  } catch (const std::exception& e) {
    return Unreadable(e);
  }
}

}  // namespace

Expected<InstanceRecord> DocReader::Instance(std::string_view doc) {
  if (!doc.empty() && doc.front() == kPackMark) {
    ASSIGN_OR_RETURN(InstanceRecord packed, InstanceWithoutParts(doc));
    if (packed.flavor && packed.image) return packed;
    return Unreadable(std::invalid_argument("a part of the instance is missing"));
  }
  return Read(doc, [this](const Json& j) {
    InstanceRecord r;
    r.spec = ToSpec(j.at("spec"));
    r.flavor = Shared(flavors_, j.at("flavor"), ToFlavor);
    r.image = Shared(images_, j.at("image"), ToImage);
    if (j.contains("kernel")) r.kernel = Shared(images_, j["kernel"], ToImage);
    if (j.contains("ramdisk")) r.ramdisk = Shared(images_, j["ramdisk"], ToImage);
    for (const Json& nic : j.value("nics", Json::array())) r.nics.push_back(ToNic(nic));
    Get(j, "hints", r.hints);
    Get(j, "server_group", r.server_group);
    Get(j, "forced_host", r.forced_host);
    const auto vm = model::VmStateFrom(j.at("vm_state").get<std::string>());
    const auto task = model::TaskStateFrom(j.at("task_state").get<std::string>());
    const auto power = model::PowerStateFrom(j.at("power_state").get<int>());
    if (!vm || !task || !power) throw std::invalid_argument("unknown state");
    r.vm_state = *vm;
    r.task_state = *task;
    r.power_state = *power;
    Get(j, "host", r.host);
    Get(j, "node", r.node);
    Get(j, "availability_zone", r.availability_zone);
    Get(j, "claim_id", r.claim_id);
    Get(j, "generation", r.generation);
    Get(j, "started_generation", r.started_generation);
    Get(j, "tried_hosts", r.tried_hosts);
    for (const Json& ref : j.value("alternates", Json::array())) {
      r.alternates.push_back({ref.at(0), ref.at(1)});
    }
    for (const Json& fault : j.value("attempts", Json::array())) {
      r.attempts.push_back(ToFault(fault));
    }
    if (j.contains("fault")) r.fault = ToFault(j["fault"]);
    if (j.contains("explanation")) {
      r.explanation = Shared(explanations_, j["explanation"], ToExplanation);
    }
    Get(j, "request_id", r.request_id);
    Get(j, "action_request_id", r.action_request_id);
    GetTime(j, "updated_at", r.updated_at);
    GetTime(j, "launched_at", r.launched_at);
    GetTime(j, "terminated_at", r.terminated_at);
    return r;
  });
}

Expected<InstanceRecord> DocReader::InstanceWithoutParts(std::string_view doc) {
  try {
    if (doc.empty() || doc.front() != kPackMark) throw std::invalid_argument("no instance");
    return packed_.Unpack(doc.substr(1));
  } catch (const std::exception& e) {
    return Unreadable(e);
  }
}

Expected<model::Flavor> DocReader::Flavor(std::string_view doc) { return Read(doc, ToFlavor); }
Expected<model::ImageSource> DocReader::Image(std::string_view doc) { return Read(doc, ToImage); }
Expected<model::Resources> DocReader::Resources(std::string_view doc) {
  if (const auto known = resources_.find(doc); known != resources_.end()) return known->second;
  auto read = Read(doc, [](const Json& j) { return j.get<model::Resources>(); });
  if (read.ok() && resources_.size() < 10'000) resources_.emplace(doc, *read);
  return read;
}
Expected<std::vector<Uuid>> DocReader::Uuids(std::string_view doc) {
  return Read(doc, [](const Json& j) {
    std::vector<Uuid> uuids;
    for (const Json& text : j) uuids.push_back(Uuid::Parse(text.get<std::string>()).value());
    return uuids;
  });
}
Expected<std::map<std::string, std::string>> DocReader::Metadata(std::string_view doc) {
  return Read(doc, [](const Json& j) { return j.get<std::map<std::string, std::string>>(); });
}
Expected<core::ServerGroupRecord> DocReader::Group(std::string_view doc) {
  return Read(doc, [](const Json& j) {
    core::ServerGroupRecord g;
    Get(j, "name", g.name);
    Get(j, "policy", g.policy);
    Get(j, "max_server_per_host", g.max_server_per_host);
    Get(j, "project_id", g.project_id);
    Get(j, "user_id", g.user_id);
    return g;
  });
}
Expected<core::NetworkRecord> DocReader::Network(std::string_view doc) {
  return Read(doc, [](const Json& j) {
    core::NetworkRecord n;
    bool dhcp = false;
    Get(j, "id", n.id);
    Get(j, "name", n.name);
    n.kind = ToKind(j);
    Get(j, "source", n.source);
    Get(j, "mtu", n.mtu);
    Get(j, "dhcp", dhcp);
    n.addressing = dhcp ? core::AddressingKind::kDhcp : core::AddressingKind::kIpam;
    Get(j, "cidr", n.cidr);
    Get(j, "gateway", n.gateway);
    Get(j, "pool_start", n.pool_start);
    Get(j, "pool_end", n.pool_end);
    Get(j, "dns_servers", n.dns_servers);
    return n;
  });
}
Expected<core::SharingProviderRecord> DocReader::SharingProvider(std::string_view doc) {
  if (doc.empty() || doc.front() != kPackMark) return Unreadable(std::invalid_argument("no mark"));
  try {
    return UnpackProvider(doc.substr(1));
  } catch (const std::exception& e) {
    return Unreadable(e);
  }
}
Expected<model::HostReport> DocReader::Report(std::string_view doc, core::HostKindPtr& kind) {
  if (doc.empty() || doc.front() != kPackMark) {
    ASSIGN_OR_RETURN(model::HostReport report, Report(doc));
    kind = core::HostKinds::Taken(report);
    return report;
  }
  try {
    return reports_.Unpack(doc.substr(1), kind);
  } catch (const std::exception& e) {
    return Unreadable(e);
  }
}
Expected<model::HostReport> DocReader::Report(std::string_view doc) {
  if (!doc.empty() && doc.front() == kPackMark) {
    try {
      return UnpackReport(doc.substr(1));
    } catch (const std::exception& e) {
      return Unreadable(e);
    }
  }
  return Read(doc, [](const Json& j) {
    model::HostReport r;
    Get(j, "host", r.host);
    Get(j, "hypervisor_hostname", r.hypervisor_hostname);
    Get(j, "hypervisor_type", r.hypervisor_type);
    Get(j, "hypervisor_version", r.hypervisor_version);
    Get(j, "libvirt_version", r.libvirt_version);
    Get(j, "virt_type", r.virt_type);
    Get(j, "cpu_arch", r.cpu_arch);
    Get(j, "cpu_model", r.cpu_model);
    Get(j, "cpu_vendor", r.cpu_vendor);
    Get(j, "cpu_info", r.cpu_info);
    Get(j, "traits", r.traits);
    Get(j, "supported_instances", r.supported_instances);
    const Json inventories = j.value("inventories", Json::object());
    for (const auto& [name, i] : inventories.items()) {
      r.inventories[name] = {i.at(0), i.at(1), i.at(2), i.at(3), i.at(4), i.at(5)};
    }
    Get(j, "running_instances", r.running_instances);
    Get(j, "free_disk_gb", r.free_disk_gb);
    Get(j, "free_memory_mb", r.free_memory_mb);
    Get(j, "availability_zone", r.availability_zone);
    Get(j, "degraded", r.degraded);
    Get(j, "stats", r.stats);
    for (const Json& p : j.value("pci_pools", Json::array())) {
      r.pci_pools.push_back({p.at(0), p.at(1), p.at(2), p.at(3), p.at(4)});
    }
    return r;
  });
}

}  // namespace kilonova::scheduler::adapters
