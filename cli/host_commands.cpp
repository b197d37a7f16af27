// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/host.grpc.pb.h>

#include "cli/call.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "common/model/resources.h"

namespace kilonova::cli {
namespace {

using Service = v1::HostService;

// "3/16": used of what may be claimed.
std::string Usage(const v1::Host& host, const std::string& resource_class) {
  for (const auto& inventory : host.inventories()) {
    if (inventory.resource_class() != resource_class) continue;
    const model::Inventory claimable{.total = inventory.total(),
                                     .reserved = inventory.reserved(),
                                     .allocation_ratio = inventory.allocation_ratio()};
    return std::to_string(inventory.used()) + "/" + std::to_string(claimable.Capacity());
  }
  return "-";
}

std::string InventoryText(const v1::Inventory& i) {
  return "used " + std::to_string(i.used()) + " of (" + std::to_string(i.total()) + " - " +
         std::to_string(i.reserved()) + ") x " + std::to_string(i.allocation_ratio());
}

std::string HostTable(const std::vector<v1::Host>& hosts) {
  Table table({"HOST", "STATE", "ENABLED", "ZONE", "VCPU", "MEMORY_MB", "DISK_GB", "INSTANCES",
               "HYPERVISOR"});
  for (const auto& h : hosts) {
    table.Add({h.name(), h.up() ? "up" : "down", h.enabled() ? "yes" : "no: " + h.disabled_reason(),
               h.availability_zone(), Usage(h, "VCPU"), Usage(h, "MEMORY_MB"), Usage(h, "DISK_GB"),
               std::to_string(h.claimed_instances()), h.virt_type()});
  }
  return table.Text();
}

int Print(const Client& client, const v1::Host& h) {
  if (client.format() != Format::kTable) {
    std::cout << Render(h, client.format());
    return kExitOk;
  }
  std::string degraded;
  for (const auto& why : h.degraded()) degraded += (degraded.empty() ? "" : ", ") + why;
  std::string aggregates;
  for (const auto& name : h.aggregates()) aggregates += (aggregates.empty() ? "" : ", ") + name;
  std::vector<std::pair<std::string, std::string>> rows{
      {"host", h.name()},
      {"node", h.hypervisor_hostname()},
      {"state", h.up() ? "up" : "down"},
      {"enabled", h.enabled() ? "yes" : "no: " + h.disabled_reason()},
      {"degraded", degraded},
      {"availability zone", h.availability_zone()},
      {"aggregates", aggregates},
      {"hypervisor",
       h.hypervisor_type() + " " + std::to_string(h.hypervisor_version()) + " " + h.virt_type()},
      {"cpu", h.cpu_arch() + " " + h.cpu_model()},
      {"traits", std::to_string(h.traits_size())},
      {"running instances", std::to_string(h.running_instances())},
      {"claimed instances", std::to_string(h.claimed_instances())},
      {"last seen", TimeText(h.last_seen_us())},
      {"agent", h.agent_version()}};
  for (const auto& i : h.inventories()) rows.emplace_back(i.resource_class(), InventoryText(i));
  for (const auto& provider : h.providers()) {
    std::string text;
    for (const auto& i : provider.inventories()) {
      text += (text.empty() ? "" : ", ") + i.resource_class() + " " + InventoryText(i);
    }
    if (!provider.parent().empty()) text += ", in " + provider.parent();
    rows.emplace_back("provider " + provider.name(), text);
  }
  for (const auto& pool : h.pci_pools()) {
    std::string tags;
    for (const auto& [name, value] :
         std::map<std::string, std::string>(pool.tags().begin(), pool.tags().end())) {
      tags += " " + name + "=" + value;
    }
    rows.emplace_back("pci " + pool.vendor_id() + ":" + pool.product_id(),
                      std::to_string(pool.count()) + " free, NUMA node " +
                          std::to_string(pool.numa_node()) + tags);
  }
  for (const auto& [name, value] :
       std::map<std::string, std::string>(h.stats().begin(), h.stats().end())) {
    rows.emplace_back("stat " + name, value);
  }
  for (const auto& [name, value] :
       std::map<std::string, std::int64_t>(h.counters().begin(), h.counters().end())) {
    rows.emplace_back("counter " + name, std::to_string(value));
  }
  std::cout << KeyValues(rows);
  return kExitOk;
}

}  // namespace

int ListHosts(const Client& client) {
  return ListAndPrint(client, &Service::Stub::ListHosts, {}, &v1::ListHostsResponse::hosts,
                      HostTable);
}

int ShowHost(const Client& client, const std::string& host) {
  v1::GetHostRequest request;
  request.set_host(host);
  return CallAndPrint(client, &Service::Stub::GetHost, request, &v1::GetHostResponse::host, Print);
}

int EnableHost(const Client& client, const std::string& host) {
  v1::EnableHostRequest request;
  request.set_host(host);
  return CallAndPrint(client, &Service::Stub::EnableHost, request, &v1::EnableHostResponse::host,
                      Print);
}

int DisableHost(const Client& client, const std::string& host, const std::string& why) {
  v1::DisableHostRequest request;
  request.set_host(host);
  request.set_reason(why);
  return CallAndPrint(client, &Service::Stub::DisableHost, request, &v1::DisableHostResponse::host,
                      Print);
}

}  // namespace kilonova::cli
