// SPDX-License-Identifier: Apache-2.0
// Records to documents.
#include <optional>

#include "scheduler/adapters/store/json_out.h"
#include "scheduler/adapters/store/rows.h"

namespace kilonova::scheduler::adapters {
namespace {

using core::FaultRecord;
using core::HostRef;
using core::InstanceRecord;

// ---- flavor and image
void Write(JsonOut& out, const model::Flavor& f) {
  out.Object([&] {
    out.Field("id", f.id);
    out.Field("flavorid", f.flavorid);
    out.Field("name", f.name);
    out.Field("vcpus", f.vcpus);
    out.Field("memory_mb", f.memory_mb);
    out.Field("root_gb", f.root_gb);
    out.Field("ephemeral_gb", f.ephemeral_gb);
    out.Field("swap_mb", f.swap_mb);
    out.Field("rxtx_factor", f.rxtx_factor);
    out.Field("is_public", f.is_public);
    out.Field("disabled", f.disabled);
    out.Field("description", f.description);
    out.Field("extra_specs", f.extra_specs);
  });
}

void Write(JsonOut& out, const model::ImageSource& i) {
  out.Object([&] {
    out.Field("id", i.id);
    out.Field("name", i.name);
    out.Field("disk_format", i.disk_format);
    out.Field("container_format", i.container_format);
    out.Field("url", i.url);
    out.Field("sha256", i.sha256);
    out.Field("size_bytes", i.size_bytes);
    out.Field("min_disk_gb", i.min_disk_gb);
    out.Field("min_ram_mb", i.min_ram_mb);
    out.Field("properties", i.properties);
  });
}

// ---- the parts of an instance
void Write(JsonOut& out, const model::InstanceSpec& s) {
  out.Object([&] {
    out.Field("id", s.id);
    out.Field("uuid", s.uuid);
    out.Field("display_name", s.display_name);
    out.Field("hostname", s.hostname);
    out.Field("project_id", s.project_id);
    out.Field("project_name", s.project_name);
    out.Field("user_id", s.user_id);
    out.Field("user_name", s.user_name);
    out.Field("availability_zone", s.availability_zone);
    out.Field("reservation_id", s.reservation_id);
    out.Field("launch_index", s.launch_index);
    out.Field("key_name", s.key_name);
    out.Field("key_data", s.key_data);
    out.Field("user_data", s.user_data);
    out.Field("config_drive", s.config_drive);
    out.Field("metadata", s.metadata);
    out.Field("created_at", ToMicros(s.created_at));
  });
}

void Write(JsonOut& out, const model::FixedIp& ip) {
  out.Object([&] {
    out.Field("address", ip.address);
    out.Field("prefix", ip.prefix);
    out.Field("gateway", ip.gateway);
    out.Field("version", ip.version);
  });
}
void Write(JsonOut& out, const model::NicRequest& n) {
  out.Object([&] {
    out.Field("port_id", n.port_id);
    out.Field("network_id", n.network_id);
    out.Field("network_name", n.network_name);
    out.Field("bridge", n.kind == model::NetworkKind::kBridge);
    out.Field("source", n.source);
    out.Field("mac", n.mac);
    out.Field("mtu", n.mtu);
    out.Field("dhcp", n.dhcp);
    out.Key("fixed_ips").Array(n.fixed_ips, [&](const auto& ip) { Write(out, ip); });
    out.Field("dns_servers", n.dns_servers);
  });
}

void Write(JsonOut& out, const FaultRecord& f) {
  out.Object([&] {
    out.Field("reason", f.reason);
    out.Field("message", f.message);
    out.Field("host", f.host);
    out.Field("at", ToMicros(f.at));
  });
}

// ---- an explanation that is kept
// Its small parts are lists, in the order of their fields.
template <class... T>
void WriteTuple(JsonOut& out, const T&... values) {
  out.Array(std::initializer_list<int>{0}, [&](int) { (out.Value(values), ...); });
}
void Write(JsonOut& out, const core::HostExplanation& h) {
  out.Object([&] {
    out.Field("host", h.host);
    out.Field("passed", h.passed);
    out.Key("verdicts").Array(h.verdicts, [&](const core::FilterVerdict& v) {
      WriteTuple(out, v.filter, v.passed, v.have, v.need);
    });
    out.Key("weights").Array(h.weights, [&](const core::WeighedValue& w) {
      WriteTuple(out, w.weigher, w.raw, w.normalized, w.multiplier);
    });
    out.Field("total_weight", h.total_weight);
  });
}
void Write(JsonOut& out, const core::Explanation& e) {
  out.Object([&] {
    out.Field("hosts", e.hosts);
    out.Field("passed", e.passed);
    out.Key("filters").Array(e.filters, [&](const core::FilterCount& f) {
      WriteTuple(out, f.filter, f.refused, f.left);
    });
    out.Key("explanations").Array(e.explanations, [&](const auto& h) { Write(out, h); });
    out.Field("summary", e.summary);
  });
}

template <class T>
std::string Written(const T& value) {
  JsonOut out;
  Write(out, value);
  return out.Take();
}
}  // namespace

std::string FlavorDoc(const model::Flavor& flavor) { return Written(flavor); }
std::string ImageDoc(const model::ImageSource& image) { return Written(image); }
std::string ResourcesDoc(const model::Resources& resources) {
  JsonOut out;
  out.Value(resources);
  return out.Take();
}
std::string UuidsDoc(const std::vector<Uuid>& uuids) {
  JsonOut out;
  out.Value(uuids);
  return out.Take();
}

std::string InstanceDoc(const InstanceRecord& r) {
  JsonOut out;
  const auto part = [&](const char* key, const auto& value) {
    if (value) Write(out.Key(key), *value);
  };
  const auto time = [&](const char* key, const std::optional<WallTime>& value) {
    if (value) out.Field(key, ToMicros(*value));
  };
  out.Object([&] {
    Write(out.Key("spec"), r.spec);
    Write(out.Key("flavor"), *r.flavor);
    Write(out.Key("image"), *r.image);
    part("kernel", r.kernel);
    part("ramdisk", r.ramdisk);
    out.Key("nics").Array(r.nics, [&](const auto& nic) { Write(out, nic); });
    out.Field("hints", r.hints);
    out.Field("forced_host", r.forced_host);
    out.Field("vm_state", model::Name(r.vm_state));
    out.Field("task_state", model::Name(r.task_state));
    out.Field("power_state", static_cast<int>(r.power_state));
    out.Field("host", r.host);
    out.Field("node", r.node);
    out.Field("availability_zone", r.availability_zone);
    out.Field("claim_id", r.claim_id);
    out.Field("generation", r.generation);
    out.Field("started_generation", r.started_generation);
    out.Field("tried_hosts", r.tried_hosts);
    out.Key("alternates").Array(r.alternates, [&](const HostRef& ref) {
      WriteTuple(out, ref.host, ref.node);
    });
    part("fault", r.fault);
    out.Key("attempts").Array(r.attempts, [&](const auto& fault) { Write(out, fault); });
    part("explanation", r.explanation);
    out.Field("request_id", r.request_id);
    out.Field("action_request_id", r.action_request_id);
    out.Field("updated_at", ToMicros(r.updated_at));
    time("launched_at", r.launched_at);
    time("terminated_at", r.terminated_at);
  });
  return out.Take();
}
std::string NetworkDoc(const core::NetworkRecord& n) {
  JsonOut out;
  out.Object([&] {
    out.Field("id", n.id);
    out.Field("name", n.name);
    out.Field("bridge", n.kind == model::NetworkKind::kBridge);
    out.Field("source", n.source);
    out.Field("mtu", n.mtu);
    out.Field("dhcp", n.addressing == core::AddressingKind::kDhcp);
    out.Field("cidr", n.cidr);
    out.Field("gateway", n.gateway);
    out.Field("pool_start", n.pool_start);
    out.Field("pool_end", n.pool_end);
    out.Field("dns_servers", n.dns_servers);
  });
  return out.Take();
}

std::string ReportDoc(const model::HostReport& r) {
  JsonOut out;
  out.Object([&] {
    out.Field("host", r.host);
    out.Field("hypervisor_hostname", r.hypervisor_hostname);
    out.Field("hypervisor_type", r.hypervisor_type);
    out.Field("hypervisor_version", r.hypervisor_version);
    out.Field("libvirt_version", r.libvirt_version);
    out.Field("virt_type", r.virt_type);
    out.Field("cpu_arch", r.cpu_arch);
    out.Field("cpu_model", r.cpu_model);
    out.Field("cpu_vendor", r.cpu_vendor);
    out.Field("cpu_info", r.cpu_info);
    out.Field("traits", r.traits);
    out.Field("supported_instances", r.supported_instances);
    out.Key("inventories").Object([&] {
      for (const auto& [name, i] : r.inventories) {
        WriteTuple(out.Key(name), i.total, i.reserved, i.min_unit, i.max_unit, i.step_size,
                   i.allocation_ratio);
      }
    });
    out.Field("running_instances", r.running_instances);
    out.Field("free_disk_gb", r.free_disk_gb);
    out.Field("free_memory_mb", r.free_memory_mb);
    out.Field("availability_zone", r.availability_zone);
    out.Field("degraded", r.degraded);
  });
  return out.Take();
}

}  // namespace kilonova::scheduler::adapters
