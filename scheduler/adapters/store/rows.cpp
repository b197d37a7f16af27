// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/rows.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace kilonova::scheduler::adapters {
namespace {

using Json = nlohmann::json;
using core::FaultRecord;
using core::HostRef;
using core::InstanceRecord;

// Strings are valid UTF-8 since they were accepted; a reporter's odd byte must not lose a row.
std::string Text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

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

// ---- flavor and image
Json ToJson(const model::Flavor& f) {
  return {{"id", f.id},
          {"flavorid", f.flavorid},
          {"name", f.name},
          {"vcpus", f.vcpus},
          {"memory_mb", f.memory_mb},
          {"root_gb", f.root_gb},
          {"ephemeral_gb", f.ephemeral_gb},
          {"swap_mb", f.swap_mb},
          {"rxtx_factor", f.rxtx_factor},
          {"is_public", f.is_public},
          {"disabled", f.disabled},
          {"description", f.description},
          {"extra_specs", f.extra_specs}};
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

Json ToJson(const model::ImageSource& i) {
  return {{"id", i.id.str()},
          {"name", i.name},
          {"disk_format", i.disk_format},
          {"container_format", i.container_format},
          {"url", i.url},
          {"sha256", i.sha256},
          {"size_bytes", i.size_bytes},
          {"min_disk_gb", i.min_disk_gb},
          {"min_ram_mb", i.min_ram_mb},
          {"properties", i.properties}};
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

// ---- the parts of an instance
Json ToJson(const model::InstanceSpec& s) {
  return {{"id", s.id},
          {"uuid", s.uuid.str()},
          {"display_name", s.display_name},
          {"hostname", s.hostname},
          {"project_id", s.project_id},
          {"project_name", s.project_name},
          {"user_id", s.user_id},
          {"user_name", s.user_name},
          {"availability_zone", s.availability_zone},
          {"reservation_id", s.reservation_id},
          {"launch_index", s.launch_index},
          {"key_name", s.key_name},
          {"key_data", s.key_data},
          {"user_data", s.user_data},
          {"config_drive", s.config_drive},
          {"metadata", s.metadata},
          {"created_at", ToMicros(s.created_at)}};
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

Json ToJson(const model::NicRequest& n) {
  Json ips = Json::array();
  for (const model::FixedIp& ip : n.fixed_ips) {
    ips.push_back({{"address", ip.address},
                   {"prefix", ip.prefix},
                   {"gateway", ip.gateway},
                   {"version", ip.version}});
  }
  return {{"port_id", n.port_id.str()},
          {"network_id", n.network_id.str()},
          {"network_name", n.network_name},
          {"bridge", n.kind == model::NetworkKind::kBridge},
          {"source", n.source},
          {"mac", n.mac},
          {"mtu", n.mtu},
          {"dhcp", n.dhcp},
          {"fixed_ips", std::move(ips)},
          {"dns_servers", n.dns_servers}};
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

Json ToJson(const FaultRecord& f) {
  return {{"reason", f.reason}, {"message", f.message}, {"host", f.host}, {"at", ToMicros(f.at)}};
}
FaultRecord ToFault(const Json& j) {
  FaultRecord f;
  Get(j, "reason", f.reason);
  Get(j, "message", f.message);
  Get(j, "host", f.host);
  GetTime(j, "at", f.at);
  return f;
}

// ---- an explanation that is kept
Json ToJson(const core::Explanation& e) {
  Json filters = Json::array();
  for (const core::FilterCount& f : e.filters) filters.push_back({f.filter, f.refused, f.left});
  Json hosts = Json::array();
  for (const core::HostExplanation& h : e.explanations) {
    Json verdicts = Json::array();
    for (const core::FilterVerdict& v : h.verdicts) {
      verdicts.push_back({v.filter, v.passed, v.have, v.need});
    }
    Json weights = Json::array();
    for (const core::WeighedValue& w : h.weights) {
      weights.push_back({w.weigher, w.raw, w.normalized, w.multiplier});
    }
    hosts.push_back({{"host", h.host},
                     {"passed", h.passed},
                     {"verdicts", std::move(verdicts)},
                     {"weights", std::move(weights)},
                     {"total_weight", h.total_weight}});
  }
  return {{"hosts", e.hosts},
          {"passed", e.passed},
          {"filters", std::move(filters)},
          {"explanations", std::move(hosts)},
          {"summary", e.summary}};
}
core::Explanation ToExplanation(const Json& j) {
  core::Explanation e;
  Get(j, "hosts", e.hosts);
  Get(j, "passed", e.passed);
  Get(j, "summary", e.summary);
  for (const Json& f : j.value("filters", Json::array())) {
    e.filters.push_back({f.at(0), f.at(1), f.at(2)});
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
  auto& entry = known[Text(json)];
  if (entry == nullptr) entry = std::make_shared<const T>(read(json));
  return entry;
}

template <class F>
auto Read(std::string_view doc, F read) -> Expected<decltype(read(Json()))> {
  try {
    return read(Json::parse(doc));
  } catch (const std::exception& e) {
    return Error(Code::kDataLoss, reason::kInternal, "the database holds a row that cannot be read",
                 {{kOperatorDetail, e.what()}});
  }
}

}  // namespace

std::string FlavorDoc(const model::Flavor& flavor) { return Text(ToJson(flavor)); }
std::string ImageDoc(const model::ImageSource& image) { return Text(ToJson(image)); }
std::string ResourcesDoc(const model::Resources& resources) { return Text(Json(resources)); }
std::string UuidsDoc(const std::vector<Uuid>& uuids) {
  Json json = Json::array();
  for (const Uuid& uuid : uuids) json.push_back(uuid.str());
  return Text(json);
}

std::string InstanceDoc(const InstanceRecord& r) {
  Json nics = Json::array();
  for (const model::NicRequest& nic : r.nics) nics.push_back(ToJson(nic));
  Json attempts = Json::array();
  for (const FaultRecord& fault : r.attempts) attempts.push_back(ToJson(fault));
  Json alternates = Json::array();
  for (const HostRef& ref : r.alternates) alternates.push_back({ref.host, ref.node});
  Json json{{"spec", ToJson(r.spec)},
            {"flavor", ToJson(*r.flavor)},
            {"image", ToJson(*r.image)},
            {"nics", std::move(nics)},
            {"hints", r.hints},
            {"forced_host", r.forced_host},
            {"vm_state", model::Name(r.vm_state)},
            {"task_state", model::Name(r.task_state)},
            {"power_state", static_cast<int>(r.power_state)},
            {"host", r.host},
            {"node", r.node},
            {"availability_zone", r.availability_zone},
            {"claim_id", r.claim_id.str()},
            {"generation", r.generation},
            {"started_generation", r.started_generation},
            {"tried_hosts", r.tried_hosts},
            {"alternates", std::move(alternates)},
            {"attempts", std::move(attempts)},
            {"request_id", r.request_id},
            {"action_request_id", r.action_request_id},
            {"updated_at", ToMicros(r.updated_at)}};
  if (r.kernel) json["kernel"] = ToJson(*r.kernel);
  if (r.ramdisk) json["ramdisk"] = ToJson(*r.ramdisk);
  if (r.fault) json["fault"] = ToJson(*r.fault);
  if (r.explanation) json["explanation"] = ToJson(*r.explanation);
  if (r.launched_at) json["launched_at"] = ToMicros(*r.launched_at);
  if (r.terminated_at) json["terminated_at"] = ToMicros(*r.terminated_at);
  return Text(json);
}

Expected<InstanceRecord> DocReader::Instance(std::string_view doc) {
  return Read(doc, [this](const Json& j) {
    InstanceRecord r;
    r.spec = ToSpec(j.at("spec"));
    r.flavor = Shared(flavors_, j.at("flavor"), ToFlavor);
    r.image = Shared(images_, j.at("image"), ToImage);
    if (j.contains("kernel")) r.kernel = Shared(images_, j["kernel"], ToImage);
    if (j.contains("ramdisk")) r.ramdisk = Shared(images_, j["ramdisk"], ToImage);
    for (const Json& nic : j.value("nics", Json::array())) r.nics.push_back(ToNic(nic));
    Get(j, "hints", r.hints);
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

Expected<model::Flavor> DocReader::Flavor(std::string_view doc) { return Read(doc, ToFlavor); }
Expected<model::ImageSource> DocReader::Image(std::string_view doc) { return Read(doc, ToImage); }
Expected<model::Resources> DocReader::Resources(std::string_view doc) {
  return Read(doc, [](const Json& j) { return j.get<model::Resources>(); });
}
Expected<std::vector<Uuid>> DocReader::Uuids(std::string_view doc) {
  return Read(doc, [](const Json& j) {
    std::vector<Uuid> uuids;
    for (const Json& text : j) uuids.push_back(Uuid::Parse(text.get<std::string>()).value());
    return uuids;
  });
}

std::string NetworkDoc(const core::NetworkRecord& n) {
  return Text({{"id", n.id.str()},
               {"name", n.name},
               {"bridge", n.kind == model::NetworkKind::kBridge},
               {"source", n.source},
               {"mtu", n.mtu},
               {"dhcp", n.addressing == core::AddressingKind::kDhcp},
               {"cidr", n.cidr},
               {"gateway", n.gateway},
               {"pool_start", n.pool_start},
               {"pool_end", n.pool_end},
               {"dns_servers", n.dns_servers}});
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

std::string ReportDoc(const model::HostReport& r) {
  Json inventories = Json::object();
  for (const auto& [name, i] : r.inventories) {
    inventories[name] = {i.total,    i.reserved,  i.min_unit,
                         i.max_unit, i.step_size, i.allocation_ratio};
  }
  return Text({{"host", r.host},
               {"hypervisor_hostname", r.hypervisor_hostname},
               {"hypervisor_type", r.hypervisor_type},
               {"hypervisor_version", r.hypervisor_version},
               {"libvirt_version", r.libvirt_version},
               {"virt_type", r.virt_type},
               {"cpu_arch", r.cpu_arch},
               {"cpu_model", r.cpu_model},
               {"cpu_vendor", r.cpu_vendor},
               {"cpu_info", r.cpu_info},
               {"traits", r.traits},
               {"supported_instances", r.supported_instances},
               {"inventories", std::move(inventories)},
               {"running_instances", r.running_instances},
               {"free_disk_gb", r.free_disk_gb},
               {"free_memory_mb", r.free_memory_mb},
               {"availability_zone", r.availability_zone},
               {"degraded", r.degraded}});
}
Expected<model::HostReport> DocReader::Report(std::string_view doc) {
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
    return r;
  });
}

}  // namespace kilonova::scheduler::adapters
