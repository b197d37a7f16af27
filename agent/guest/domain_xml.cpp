// SPDX-License-Identifier: Apache-2.0
#include <pugixml.hpp>
#include <sstream>

#include "agent/guest/domain.h"
#include "agent/guest/xml_parts.h"

namespace kilonova::agent::guest {
namespace {

void WriteMemory(XmlWriter& xml, pugi::xml_node root, const Domain& domain) {
  xml.AddNumber(root, "memory", domain.memory_kib);
  if (domain.max_memory_kib) {
    xml.SetNumber(xml.AddNumber(root, "maxMemory", *domain.max_memory_kib), "slots",
                  domain.memory_slots);
  }
  if (domain.memory_backing) WriteMemoryBacking(xml, root, *domain.memory_backing);
  if (domain.numa_tune) WriteNumaTune(xml, root, *domain.numa_tune);
  auto vcpu = xml.AddNumber(root, "vcpu", domain.flavor.vcpus);
  if (domain.cpuset) xml.Set(vcpu, "cpuset", hardware::FormatCpuSpec(*domain.cpuset));
}

void WriteTail(XmlWriter& xml, pugi::xml_node root, const Domain& domain) {
  if (!domain.perf_events.empty()) {
    auto perf = xml.Add(root, "perf");
    for (const std::string& name : domain.perf_events) {
      auto event = xml.Add(perf, "event");
      xml.Set(event, "name", name);
      xml.SetWord(event, "enabled", "yes");
    }
  }
  if (!domain.sev) return;
  auto security = xml.Add(root, "launchSecurity");
  xml.SetWord(security, "type", "sev");
  xml.AddText(security, "policy", "0x0033");  // no debugging, no key sharing, encrypted state
  xml.AddNumber(security, "cbitpos", domain.sev->cbitpos);
  xml.AddNumber(security, "reducedPhysBits", domain.sev->reduced_phys_bits);
}

}  // namespace

Expected<std::string> DomainXml(const Domain& domain) {
  pugi::xml_document document;
  XmlWriter xml;
  auto root = document.append_child("domain");
  xml.Set(root, "type", domain.virt_type);
  xml.AddText(root, "uuid", domain.instance.uuid.str());
  xml.AddText(root, "name", domain.name);
  WriteMemory(xml, root, domain);
  WriteMetadata(xml, root, domain);
  if (domain.smbios) WriteSmbios(xml, root, *domain.smbios);
  WriteBoot(xml, root, domain.boot);
  WriteFeatures(xml, root, domain.features);
  if (domain.cpu_tune) WriteCpuTune(xml, root, *domain.cpu_tune);
  WriteClock(xml, root, domain.clock);
  WriteCpu(xml, root, domain.cpu);
  auto devices = xml.Add(root, "devices");
  if (!domain.emulator.empty()) xml.AddText(devices, "emulator", domain.emulator);
  for (const Device& device : domain.devices) WriteDevice(xml, devices, device);
  WriteTail(xml, root, domain);
  RETURN_IF_ERROR(xml.status());
  std::ostringstream out;
  document.save(out, "  ", pugi::format_indent | pugi::format_no_declaration, pugi::encoding_utf8);
  return out.str();
}

}  // namespace kilonova::agent::guest
