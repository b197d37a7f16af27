// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/xml_parts.h"

namespace kilonova::agent::guest {
namespace {

constexpr const char* kSpinlockRetries = "8191";        // Microsoft's advice
constexpr const char* kSpoofedVendor = "1234567890ab";  // not "Microsoft Hv"

void WriteHyperv(XmlWriter& xml, pugi::xml_node node, bool vendor_id) {
  auto hyperv = xml.Add(node, "hyperv");
  const auto on = [&](const char* name) {
    auto child = xml.Add(hyperv, name);
    xml.SetWord(child, "state", "on");
    return child;
  };
  on("relaxed");
  on("vapic");
  xml.SetWord(on("spinlocks"), "retries", kSpinlockRetries);
  if (vendor_id) xml.SetWord(on("vendor_id"), "value", kSpoofedVendor);
  for (const char* name : {"vpindex", "runtime", "synic", "reset", "frequencies", "reenlightenment",
                           "tlbflush", "ipi", "evmcs"}) {
    on(name);
  }
}

}  // namespace

void WriteSmbios(XmlWriter& xml, pugi::xml_node root, const Smbios& smbios) {
  auto sysinfo = xml.Add(root, "sysinfo");
  xml.SetWord(sysinfo, "type", "smbios");
  auto system = xml.Add(sysinfo, "system");
  const auto entry = [&](const char* name, const std::string& value) {
    xml.SetWord(xml.AddText(system, "entry", value), "name", name);
  };
  entry("manufacturer", smbios.manufacturer);
  entry("product", smbios.product);
  entry("version", smbios.version);
  if (!smbios.serial.empty()) entry("serial", smbios.serial);
  entry("uuid", smbios.uuid);
  entry("family", "Virtual Machine");
}

void WriteBoot(XmlWriter& xml, pugi::xml_node root, const Boot& boot) {
  auto os = xml.Add(root, "os");
  auto type = xml.AddText(os, "type", boot.type);
  xml.Set(type, "arch", boot.arch);
  xml.SetIf(type, "machine", boot.machine);
  if (!boot.kernel.empty()) xml.AddText(os, "kernel", boot.kernel);
  if (!boot.loader.empty()) {
    auto loader = xml.AddText(os, "loader", boot.loader);
    xml.SetWord(loader, "type", "pflash");
    xml.SetWord(loader, "readonly", "yes");
    xml.SetWord(loader, "secure", boot.secure ? "yes" : "no");
    xml.Set(xml.Add(os, "nvram"), "template", boot.nvram_template);
  }
  if (!boot.initrd.empty()) xml.AddText(os, "initrd", boot.initrd);
  if (boot.cmdline) xml.AddText(os, "cmdline", *boot.cmdline);
  for (const std::string& device : boot.devices) xml.Set(xml.Add(os, "boot"), "dev", device);
  if (boot.smbios) xml.SetWord(xml.Add(os, "smbios"), "mode", "sysinfo");
  if (boot.menu) xml.SetWord(xml.Add(os, "bootmenu"), "enable", "yes");
}

void WriteFeatures(XmlWriter& xml, pugi::xml_node root, const Features& features) {
  auto node = xml.Add(root, "features");
  // Nova wraps the element once too often; libvirt reads the outer one and takes it as on.
  if (features.smm) xml.SetWord(xml.Add(xml.Add(node, "smm"), "smm"), "state", "on");
  if (features.acpi) xml.Add(node, "acpi");
  if (features.apic) xml.Add(node, "apic");
  if (features.hyperv) WriteHyperv(xml, node, features.hyperv_vendor_id);
  if (features.vmcoreinfo) xml.Add(node, "vmcoreinfo");
  if (features.kvm_hidden) {
    xml.SetWord(xml.Add(xml.Add(node, "kvm"), "hidden"), "state", "on");
  }
  if (features.pmu) xml.SetWord(xml.Add(node, "pmu"), "state", *features.pmu ? "on" : "off");
  if (features.ioapic) xml.SetWord(xml.Add(node, "ioapic"), "driver", "qemu");
}

void WriteClock(XmlWriter& xml, pugi::xml_node root, const Clock& clock) {
  auto node = xml.Add(root, "clock");
  xml.Set(node, "offset", clock.offset);
  for (const Timer& timer : clock.timers) {
    auto child = xml.Add(node, "timer");
    xml.Set(child, "name", timer.name);
    xml.SetIf(child, "tickpolicy", timer.tickpolicy);
    if (timer.present) xml.SetWord(child, "present", *timer.present ? "yes" : "no");
  }
}

}  // namespace kilonova::agent::guest
