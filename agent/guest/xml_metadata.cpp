// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/text.h"
#include "agent/guest/xml_parts.h"

namespace kilonova::agent::guest {
namespace {

constexpr const char* kNovaNamespace = "http://openstack.org/xmlns/libvirt/nova/1.1";

std::string OrNotKnown(const std::string& name) { return name.empty() ? "N/A" : Printable(name); }

std::string CreationTime(WallTime at) {
  std::string text = FormatNovaTime(at).substr(0, 19);
  text[10] = ' ';
  return text;
}

void WriteFlavor(XmlWriter& xml, pugi::xml_node nova, const model::Flavor& flavor) {
  auto node = xml.Add(nova, "nova:flavor");
  xml.Set(node, "name", Printable(flavor.name));
  xml.AddNumber(node, "nova:memory", flavor.memory_mb);
  xml.AddNumber(node, "nova:disk", flavor.root_gb);
  xml.AddNumber(node, "nova:swap", flavor.swap_mb);
  xml.AddNumber(node, "nova:ephemeral", flavor.ephemeral_gb);
  xml.AddNumber(node, "nova:vcpus", flavor.vcpus);
}

void WritePorts(XmlWriter& xml, pugi::xml_node nova, const std::vector<NovaPort>& ports) {
  auto node = xml.Add(nova, "nova:ports");
  for (const NovaPort& port : ports) {
    auto child = xml.Add(node, "nova:port");
    xml.Set(child, "uuid", port.id);
    for (const NovaPortIp& ip : port.ips) {
      auto address = xml.Add(child, "nova:ip");
      xml.Set(address, "type", Printable(ip.type));
      xml.Set(address, "address", Printable(ip.address));
      xml.SetNumber(address, "ipVersion", ip.version);
    }
  }
}

void WriteNova(XmlWriter& xml, pugi::xml_node metadata, const Domain& domain) {
  auto nova = xml.Add(metadata, "nova:instance");
  xml.SetWord(nova, "xmlns:nova", kNovaNamespace);
  xml.Set(xml.Add(nova, "nova:package"), "version", domain.nova.package_version);
  xml.AddText(nova, "nova:name", Printable(domain.instance.display_name));
  xml.AddText(nova, "nova:creationTime", CreationTime(domain.instance.created_at));
  WriteFlavor(xml, nova, domain.flavor);
  auto owner = xml.Add(nova, "nova:owner");
  xml.Set(xml.AddText(owner, "nova:user", OrNotKnown(domain.instance.user_name)), "uuid",
          Printable(domain.instance.user_id));
  xml.Set(xml.AddText(owner, "nova:project", OrNotKnown(domain.instance.project_name)), "uuid",
          Printable(domain.instance.project_id));
  if (!domain.nova.image_id.empty()) {
    auto root = xml.Add(nova, "nova:root");
    xml.SetWord(root, "type", "image");
    xml.Set(root, "uuid", domain.nova.image_id.str());
  }
  WritePorts(xml, nova, domain.nova.ports);
}

}  // namespace

void WriteMetadata(XmlWriter& xml, pugi::xml_node root, const Domain& domain) {
  auto metadata = xml.Add(root, "metadata");
  WriteNova(xml, metadata, domain);
  if (!domain.owner) return;
  auto tag = xml.Add(metadata, "kilonova:owner");
  xml.SetWord(tag, "xmlns:kilonova", core::kOwnerTagNamespace);
  xml.Set(tag, "host", domain.owner->host);
  xml.SetNumber(tag, "generation", domain.owner->generation);
  xml.Set(tag, "claim", domain.owner->claim_id.str());
}

}  // namespace kilonova::agent::guest
