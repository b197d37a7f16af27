// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/xml_parts.h"

namespace kilonova::agent::guest {
namespace {

void WriteDriver(XmlWriter& xml, pugi::xml_node node, const InterfaceDevice& nic) {
  const bool vhostuser = nic.type == "vhostuser";
  if (nic.driver.empty() && !nic.iommu && !vhostuser) return;
  const bool named = !nic.driver.empty() && !vhostuser;
  if (!named && !nic.iommu && !nic.queues && !nic.rx_queue_size && !nic.tx_queue_size) return;
  auto driver = xml.Add(node, "driver");
  if (named) xml.Set(driver, "name", nic.driver);
  if (nic.iommu) xml.SetWord(driver, "iommu", "on");
  if (nic.queues) xml.SetNumber(driver, "queues", *nic.queues);
  if (nic.rx_queue_size) xml.SetNumber(driver, "rx_queue_size", *nic.rx_queue_size);
  if (nic.tx_queue_size) xml.SetNumber(driver, "tx_queue_size", *nic.tx_queue_size);
}

void WriteSource(XmlWriter& xml, pugi::xml_node node, const InterfaceDevice& nic) {
  if (nic.type == "ethernet") return;  // its tap is its target
  auto source = xml.Add(node, "source");
  if (nic.type == "bridge" || nic.type == "network") {
    xml.Set(source, nic.type.c_str(), nic.source);
  } else if (nic.type == "direct") {
    xml.Set(source, "dev", nic.source);
    xml.Set(source, "mode", nic.source_mode);
  } else if (nic.type == "hostdev") {
    auto address = xml.Add(source, "address");
    xml.SetWord(address, "type", "pci");
    xml.Set(address, "domain", "0x" + nic.address.domain);
    xml.Set(address, "bus", "0x" + nic.address.bus);
    xml.Set(address, "slot", "0x" + nic.address.slot);
    xml.Set(address, "function", "0x" + nic.address.function);
  } else if (nic.type == "vhostuser") {
    xml.SetWord(source, "type", "unix");
    xml.Set(source, "mode", nic.source_mode);
    xml.Set(source, "path", nic.source);
  } else {
    xml.Set(source, "dev", nic.source);
  }
}

void WriteBandwidth(XmlWriter& xml, pugi::xml_node node, const InterfaceDevice& nic) {
  if (!nic.inbound && !nic.outbound) return;
  auto bandwidth = xml.Add(node, "bandwidth");
  const auto limit = [&](const char* name, const std::optional<Bandwidth>& limits) {
    if (!limits) return;
    auto child = xml.Add(bandwidth, name);
    xml.Set(child, "average", limits->average);
    xml.SetIf(child, "peak", limits->peak);
    xml.SetIf(child, "burst", limits->burst);
  };
  limit("inbound", nic.inbound);
  limit("outbound", nic.outbound);
}

}  // namespace

void WriteInterface(XmlWriter& xml, pugi::xml_node devices, const InterfaceDevice& nic) {
  auto node = xml.Add(devices, "interface");
  xml.Set(node, "type", nic.type);
  if (nic.type == "hostdev") xml.SetWord(node, "managed", "yes");
  xml.Set(xml.Add(node, "mac"), "address", nic.mac);
  if (!nic.model.empty()) xml.Set(xml.Add(node, "model"), "type", nic.model);
  WriteDriver(xml, node, nic);
  WriteSource(xml, node, nic);
  if (nic.mtu) xml.SetNumber(xml.Add(node, "mtu"), "size", *nic.mtu);
  if (!nic.vlan.empty()) xml.Set(xml.Add(xml.Add(node, "vlan"), "tag"), "id", nic.vlan);
  if (!nic.target.empty()) xml.Set(xml.Add(node, "target"), "dev", nic.target);
  if (!nic.virtual_port.empty()) {
    auto port = xml.Add(node, "virtualport");
    xml.Set(port, "type", nic.virtual_port);
    for (const auto& [name, value] : nic.virtual_port_parameters) {
      xml.Set(xml.Add(port, "parameters"), name.c_str(), value);
    }
  }
  if (!nic.filter.empty()) xml.Set(xml.Add(node, "filterref"), "filter", nic.filter);
  WriteBandwidth(xml, node, nic);
}

}  // namespace kilonova::agent::guest
