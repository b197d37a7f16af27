// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/network_data.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "agent/guest/domain.h"

namespace kilonova::agent::guest {
namespace {

using Json = nlohmann::ordered_json;

Status BadAddress(const std::string& address) {
  return Error(Code::kInvalidArgument, reason::kNetworkInvalid,
               "a port has an unusable address: " + address, {{"field", "fixed_ips"}});
}

// "255.255.255.0" or "ffff:ffff:ffff:ffff::".
std::string Netmask(int version, int prefix) {
  std::array<unsigned char, 16> mask{};
  for (int bit = 0; bit < prefix; ++bit) {
    mask[static_cast<std::size_t>(bit / 8)] |= static_cast<unsigned char>(0x80 >> (bit % 8));
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(version == 4 ? AF_INET : AF_INET6, mask.data(), text.data(), text.size());
  return text.data();
}

bool IsAddress(int version, const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(version == 4 ? AF_INET : AF_INET6, text.c_str(), bytes.data()) == 1;
}

Json DnsServices(const model::NicRequest& nic, int version) {
  Json services = Json::array();
  for (const auto& server : nic.dns_servers) {
    if (IsAddress(version, server)) {
      services.push_back({{"type", "dns"}, {"address", server}});
    }
  }
  return services;
}

struct Writer {
  Json links = Json::array(), networks = Json::array(), services = Json::array();

  std::string NextNetwork() const { return "network" + std::to_string(networks.size()); }

  void AddLink(const model::NicRequest& nic) {
    // Nova gives no MTU where the network's own DHCP server will.
    Json mtu = nic.dhcp ? Json() : Json(nic.mtu);
    links.push_back({{"id", TapName(nic.port_id)},
                     {"vif_id", nic.port_id.str()},
                     {"type", "bridge"},
                     {"mtu", std::move(mtu)},
                     {"ethernet_mac_address", nic.mac}});
  }

  void AddServices(const Json& more) {
    for (const auto& service : more) {
      if (std::ranges::find(services, service) == services.end()) services.push_back(service);
    }
  }

  void AddDhcp(const model::NicRequest& nic, int version) {
    networks.push_back({{"id", NextNetwork()},
                        {"type", "ipv" + std::to_string(version) + "_dhcp"},
                        {"link", TapName(nic.port_id)},
                        {"network_id", nic.network_id.str()}});
    AddServices(DnsServices(nic, version));
  }

  Status AddFixed(const model::NicRequest& nic, const model::FixedIp& ip) {
    const int most = ip.version == 4 ? 32 : 128;
    if (!IsAddress(ip.version, ip.address) || ip.prefix < 0 || ip.prefix > most ||
        (!ip.gateway.empty() && !IsAddress(ip.version, ip.gateway))) {
      return BadAddress(ip.address);
    }
    Json routes = Json::array();
    if (!ip.gateway.empty()) {
      const char* any = ip.version == 4 ? "0.0.0.0" : "::";
      routes.push_back({{"network", any}, {"netmask", any}, {"gateway", ip.gateway}});
    }
    Json dns = DnsServices(nic, ip.version);
    networks.push_back({{"id", NextNetwork()},
                        {"type", "ipv" + std::to_string(ip.version)},
                        {"link", TapName(nic.port_id)},
                        {"ip_address", ip.address},
                        {"netmask", Netmask(ip.version, ip.prefix)},
                        {"routes", std::move(routes)},
                        {"network_id", nic.network_id.str()},
                        {"services", dns}});
    AddServices(dns);
    return OkStatus();
  }
};

const model::FixedIp* First(const model::NicRequest& nic, int version) {
  const auto at = std::ranges::find(nic.fixed_ips, version, &model::FixedIp::version);
  return at == nic.fixed_ips.end() ? nullptr : &*at;
}

}  // namespace

Expected<std::string> NetworkDataJson(const model::BuildRequest& request) {
  if (request.nics.empty()) return "{}";
  Writer writer;
  for (const auto& nic : request.nics) {
    if (!nic.dhcp && nic.fixed_ips.empty()) continue;
    writer.AddLink(nic);
    // As in Nova, the first address of each family is told.
    for (const int version : {4, 6}) {
      const auto* ip = First(nic, version);
      if (nic.dhcp && (ip != nullptr || (version == 4 && nic.fixed_ips.empty()))) {
        writer.AddDhcp(nic, version);
      } else if (ip != nullptr) {
        RETURN_IF_ERROR(writer.AddFixed(nic, *ip));
      }
    }
  }
  const Json all{
      {"links", writer.links}, {"networks", writer.networks}, {"services", writer.services}};
  return all.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace kilonova::agent::guest
