// SPDX-License-Identifier: Apache-2.0
// Ports of instances: addresses and MACs, given and taken back.
#include <utility>

#include "scheduler/core/conductor_impl.h"

namespace kilonova::scheduler::core {

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

void Conductor::Impl::ReleasePorts(const InstanceRecord& record) {
  for (const model::NicRequest& nic : record.nics) {
    macs_.erase(MacNumber(nic.mac));
    const auto network = networks_.find(nic.network_id);
    if (network == networks_.end()) continue;
    --network->second.ports;
    for (const model::FixedIp& ip : nic.fixed_ips) network->second.pool.Release(ip.address);
  }
}

}  // namespace kilonova::scheduler::core
