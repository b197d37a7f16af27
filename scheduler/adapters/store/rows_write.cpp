// SPDX-License-Identifier: Apache-2.0
// Records to documents.
#include "scheduler/adapters/store/json_out.h"
#include "scheduler/adapters/store/rows.h"

namespace kilonova::scheduler::adapters {
namespace {

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

// Its small parts are lists, in the order of their fields.
template <class... T>
void WriteTuple(JsonOut& out, const T&... values) {
  out.Array(std::initializer_list<int>{0}, [&](int) { (out.Value(values), ...); });
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

std::string MetadataDoc(const std::map<std::string, std::string>& metadata) {
  JsonOut out;
  out.Value(metadata);
  return out.Take();
}
std::string GroupDoc(const core::ServerGroupRecord& g) {
  JsonOut out;
  out.Object([&] {
    out.Field("name", g.name);
    out.Field("policy", g.policy);
    out.Field("max_server_per_host", g.max_server_per_host);
    out.Field("project_id", g.project_id);
    out.Field("user_id", g.user_id);
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

}  // namespace kilonova::scheduler::adapters
