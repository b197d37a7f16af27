// SPDX-License-Identifier: Apache-2.0
// Images, networks, hosts.
#include <kilonova/v1/host.pb.h>
#include <kilonova/v1/image.pb.h>
#include <kilonova/v1/network.pb.h>

#include "proto/grpc/host_report.h"
#include "proto/grpc/image.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/core/provider_trees.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

namespace wire = ::kilonova::grpc;

Status BadNetwork(const char* field, const char* message) {
  return Error(Code::kInvalidArgument, reason::kNetworkInvalid,
               std::string("network ") + field + " " + message, {{"field", field}});
}

}  // namespace

void ToProto(const core::ImageRecord& record, v1::Image* out) {
  wire::ToProto(record.source, out);
  out->set_created_at_us(ToMicros(record.created_at));
}

void ToProto(const core::NetworkRecord& record, v1::Network* out) {
  out->set_id(record.id.str());
  out->set_name(record.name);
  if (record.kind == model::NetworkKind::kBridge) {
    out->set_bridge(record.source);
  } else {
    out->set_libvirt_network(record.source);
  }
  out->set_mtu(static_cast<std::int32_t>(record.mtu));
  out->set_addressing(record.addressing == core::AddressingKind::kIpam ? v1::ADDRESSING_IPAM
                                                                       : v1::ADDRESSING_DHCP);
  out->set_cidr(record.cidr);
  out->set_gateway(record.gateway);
  out->set_pool_start(record.pool_start);
  out->set_pool_end(record.pool_end);
  for (const std::string& server : record.dns_servers) out->add_dns_servers(server);
}

Expected<core::NetworkRecord> FromProto(const v1::Network& network) {
  core::NetworkRecord out;
  if (!network.id().empty()) {
    auto id = Uuid::Parse(network.id());
    if (!id.ok()) return BadNetwork("id", "must be a lower-case uuid");
    out.id = *std::move(id);
  }
  out.name = network.name();
  switch (network.attachment_case()) {
    case v1::Network::kLibvirtNetwork:
      out.kind = model::NetworkKind::kLibvirtNetwork;
      out.source = network.libvirt_network();
      break;
    case v1::Network::kBridge:
      out.kind = model::NetworkKind::kBridge;
      out.source = network.bridge();
      break;
    default:
      return BadNetwork("attachment", "is required: libvirt_network or bridge");
  }
  out.mtu = network.mtu();
  switch (network.addressing()) {
    case v1::ADDRESSING_IPAM:
      out.addressing = core::AddressingKind::kIpam;
      break;
    case v1::ADDRESSING_DHCP:
      out.addressing = core::AddressingKind::kDhcp;
      break;
    default:
      return BadNetwork("addressing", "is required: IPAM or DHCP");
  }
  out.cidr = network.cidr();
  out.gateway = network.gateway();
  out.pool_start = network.pool_start();
  out.pool_end = network.pool_end();
  out.dns_servers.assign(network.dns_servers().begin(), network.dns_servers().end());
  return out;
}

void ToProto(const core::HostView& view, v1::Host* out) {
  const model::HostReport& report = view.row.report;
  out->set_name(view.row.name);
  out->set_hypervisor_hostname(report.hypervisor_hostname);
  out->set_up(view.up);
  out->set_enabled(view.row.enabled);
  out->set_disabled_reason(view.row.disabled_reason);
  out->set_availability_zone(report.availability_zone);
  for (const auto& [name, inventory] : report.inventories) {
    auto* to = out->add_inventories();
    wire::ToProto(name, inventory, to);
    const auto used = view.used.find(name);
    if (used != view.used.end()) to->set_used(used->second);
  }
  for (const std::string& trait : report.traits) out->add_traits(trait);
  out->set_hypervisor_type(report.hypervisor_type);
  out->set_hypervisor_version(report.hypervisor_version);
  out->set_virt_type(report.virt_type);
  out->set_cpu_arch(report.cpu_arch);
  out->set_cpu_model(report.cpu_model);
  out->set_running_instances(report.running_instances);
  out->set_claimed_instances(view.claimed_instances);
  out->set_last_seen_us(ToMicros(view.row.last_seen));
  for (const std::string& why : report.degraded) out->add_degraded(why);
  out->set_agent_version(view.row.agent_version);
  for (const auto& [name, value] : view.counters) (*out->mutable_counters())[name] = value;
  for (const std::string& name : view.aggregates) out->add_aggregates(name);
  out->mutable_stats()->insert(report.stats.begin(), report.stats.end());
  for (const model::PciPool& pool : report.pci_pools) wire::ToProto(pool, out->add_pci_pools());
  for (const model::NestedProvider& provider : report.nested) {
    auto* to = out->add_providers();
    wire::ToProto(provider, to);
    for (auto& inventory : *to->mutable_inventories()) {
      const auto used = view.used.find(core::AtProvider(inventory.resource_class(), provider.name));
      if (used != view.used.end()) inventory.set_used(used->second);
    }
  }
}

}  // namespace kilonova::scheduler::adapters::grpc
