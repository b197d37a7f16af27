// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/network.grpc.pb.h>

#include "cli/call.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace kilonova::cli {
namespace {

using Service = v1::NetworkService;

std::string Attachment(const v1::Network& n) {
  return n.has_bridge() ? "bridge " + n.bridge() : "libvirt " + n.libvirt_network();
}

std::string Addresses(const v1::Network& n) {
  return n.addressing() == v1::ADDRESSING_DHCP ? "dhcp" : n.cidr();
}

std::string NetworkTable(const std::vector<v1::Network>& networks) {
  Table table({"ID", "NAME", "ATTACHMENT", "MTU", "ADDRESSES", "GATEWAY"});
  for (const auto& n : networks) {
    table.Add(
        {n.id(), n.name(), Attachment(n), std::to_string(n.mtu()), Addresses(n), n.gateway()});
  }
  return table.Text();
}

int Print(const Client& client, const v1::Network& n) {
  if (client.format() != Format::kTable) {
    std::cout << Render(n, client.format());
    return kExitOk;
  }
  std::string dns;
  for (const auto& server : n.dns_servers()) dns += (dns.empty() ? "" : " ") + server;
  std::cout << KeyValues(
      {{"id", n.id()},
       {"name", n.name()},
       {"attachment", Attachment(n)},
       {"mtu", std::to_string(n.mtu())},
       {"addresses", Addresses(n)},
       {"gateway", n.gateway()},
       {"pool", n.pool_start().empty() ? "" : n.pool_start() + " - " + n.pool_end()},
       {"dns", dns}});
  return kExitOk;
}

}  // namespace

int CreateNetwork(const Client& client, const NetworkOptions& options) {
  v1::CreateNetworkRequest request;
  v1::Network* network = request.mutable_network();
  network->set_id(options.id);
  network->set_name(options.name);
  if (!options.bridge.empty()) {
    network->set_bridge(options.bridge);
  } else {
    network->set_libvirt_network(options.libvirt_network);
  }
  network->set_mtu(options.mtu);
  network->set_addressing(options.dhcp ? v1::ADDRESSING_DHCP : v1::ADDRESSING_IPAM);
  network->set_cidr(options.cidr);
  network->set_gateway(options.gateway);
  network->set_pool_start(options.pool_start);
  network->set_pool_end(options.pool_end);
  for (const std::string& server : options.dns) network->add_dns_servers(server);
  return CallAndPrint(client, &Service::Stub::CreateNetwork, request,
                      &v1::CreateNetworkResponse::network, Print);
}

int ListNetworks(const Client& client) {
  return ListAndPrint(client, &Service::Stub::ListNetworks, {}, &v1::ListNetworksResponse::networks,
                      NetworkTable);
}

int ShowNetwork(const Client& client, const NetworkOptions& options) {
  v1::GetNetworkRequest request;
  request.set_network(options.name);
  return CallAndPrint(client, &Service::Stub::GetNetwork, request, &v1::GetNetworkResponse::network,
                      Print);
}

int DeleteNetwork(const Client& client, const NetworkOptions& options) {
  v1::DeleteNetworkRequest request;
  request.set_network(options.name);
  return CallOnly(client, &Service::Stub::DeleteNetwork, request);
}

}  // namespace kilonova::cli
