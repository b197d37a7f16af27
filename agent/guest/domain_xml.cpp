// SPDX-License-Identifier: Apache-2.0
#include <pugixml.hpp>
#include <sstream>

#include "agent/guest/domain.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

constexpr const char* kNovaNamespace = "http://openstack.org/xmlns/libvirt/nova/1.1";

pugi::xml_node Add(pugi::xml_node parent, const char* name) { return parent.append_child(name); }

pugi::xml_node AddText(pugi::xml_node parent, const char* name, const std::string& text) {
  auto node = Add(parent, name);
  node.text().set(text.c_str());
  return node;
}

pugi::xml_node AddNumber(pugi::xml_node parent, const char* name, std::int64_t number) {
  return AddText(parent, name, std::to_string(number));
}

void Set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

std::string OrNotKnown(const std::string& name) { return name.empty() ? "N/A" : Printable(name); }

std::string CreationTime(WallTime at) {
  std::string text = FormatNovaTime(at).substr(0, 19);
  text[10] = ' ';
  return text;
}

void WriteNovaMetadata(pugi::xml_node metadata, const Domain& domain) {
  auto nova = Add(metadata, "nova:instance");
  Set(nova, "xmlns:nova", kNovaNamespace);
  Set(Add(nova, "nova:package"), "version", domain.package_version);
  AddText(nova, "nova:name", Printable(domain.instance.display_name));
  AddText(nova, "nova:creationTime", CreationTime(domain.instance.created_at));
  auto flavor = Add(nova, "nova:flavor");
  Set(flavor, "name", Printable(domain.flavor.name));
  AddNumber(flavor, "nova:memory", domain.flavor.memory_mb);
  AddNumber(flavor, "nova:disk", domain.flavor.root_gb);
  AddNumber(flavor, "nova:swap", domain.flavor.swap_mb);
  AddNumber(flavor, "nova:ephemeral", domain.flavor.ephemeral_gb);
  AddNumber(flavor, "nova:vcpus", domain.flavor.vcpus);
  auto owner = Add(nova, "nova:owner");
  Set(AddText(owner, "nova:user", OrNotKnown(domain.instance.user_name)), "uuid",
      Printable(domain.instance.user_id));
  Set(AddText(owner, "nova:project", OrNotKnown(domain.instance.project_name)), "uuid",
      Printable(domain.instance.project_id));
  if (!domain.image_id.empty()) {
    auto root = Add(nova, "nova:root");
    Set(root, "type", "image");
    Set(root, "uuid", domain.image_id.str());
  }
  auto ports = Add(nova, "nova:ports");
  for (const auto& device : domain.nics) {
    auto port = Add(ports, "nova:port");
    Set(port, "uuid", device.nic.port_id.str());
    for (const auto& ip : device.nic.fixed_ips) {
      auto node = Add(port, "nova:ip");
      Set(node, "type", "fixed");
      Set(node, "address", Printable(ip.address));
      Set(node, "ipVersion", std::to_string(ip.version));
    }
  }
}

void WriteOwnerTag(pugi::xml_node metadata, const core::OwnerTag& owner) {
  auto tag = Add(metadata, "kilonova:owner");
  Set(tag, "xmlns:kilonova", core::kOwnerTagNamespace);
  Set(tag, "host", owner.host);
  Set(tag, "generation", std::to_string(owner.generation));
  Set(tag, "claim", owner.claim_id.str());
}

void WriteSysinfo(pugi::xml_node root, const Domain& domain) {
  auto sysinfo = Add(root, "sysinfo");
  Set(sysinfo, "type", "smbios");
  auto system = Add(sysinfo, "system");
  const auto entry = [&system](const char* name, const std::string& value) {
    Set(AddText(system, "entry", value), "name", name);
  };
  entry("manufacturer", domain.vendor);
  entry("product", domain.product);
  entry("version", domain.package_version);
  entry("serial", domain.instance.uuid.str());
  entry("uuid", domain.instance.uuid.str());
  entry("family", "Virtual Machine");
}

void WriteOs(pugi::xml_node root, const Domain& domain) {
  auto os = Add(root, "os");
  auto type = AddText(os, "type", "hvm");
  Set(type, "arch", domain.arch);
  Set(type, "machine", domain.machine);
  if (domain.kernel.empty()) {
    Set(Add(os, "boot"), "dev", "hd");
  } else {
    AddText(os, "kernel", domain.kernel);
    if (!domain.ramdisk.empty()) AddText(os, "initrd", domain.ramdisk);
    AddText(os, "cmdline", domain.cmdline);
  }
  Set(Add(os, "smbios"), "mode", "sysinfo");
  if (domain.boot_menu) Set(Add(os, "bootmenu"), "enable", "yes");
}

void WriteFeatures(pugi::xml_node root, const Domain& domain) {
  auto features = Add(root, "features");
  Add(features, "acpi");
  Add(features, "apic");
  Add(features, "vmcoreinfo");
  if (domain.hide_kvm) Set(Add(Add(features, "kvm"), "hidden"), "state", "on");
  if (domain.pmu) Set(Add(features, "pmu"), "state", *domain.pmu ? "on" : "off");
}

void WriteClock(pugi::xml_node root, const Domain& domain) {
  auto clock = Add(root, "clock");
  Set(clock, "offset", "utc");
  if (!domain.kvm_timers) return;
  const auto timer = [&clock](const char* name, const char* key, const char* value) {
    auto node = Add(clock, "timer");
    Set(node, "name", name);
    Set(node, key, value);
  };
  timer("pit", "tickpolicy", "delay");
  timer("rtc", "tickpolicy", "catchup");
  timer("hpet", "present", domain.hpet ? "yes" : "no");
}

void WriteCpu(pugi::xml_node root, const Domain& domain) {
  auto cpu = Add(root, "cpu");
  if (!domain.cpu_mode.empty()) Set(cpu, "mode", domain.cpu_mode);
  Set(cpu, "match", "exact");
  if (!domain.cpu_model.empty()) AddText(cpu, "model", domain.cpu_model);
  auto topology = Add(cpu, "topology");
  Set(topology, "sockets", std::to_string(domain.topology.sockets));
  Set(topology, "cores", std::to_string(domain.topology.cores));
  Set(topology, "threads", std::to_string(domain.topology.threads));
}

void WriteDisk(pugi::xml_node devices, const DiskDevice& disk) {
  auto node = Add(devices, "disk");
  Set(node, "type", "file");
  Set(node, "device", disk.device);
  auto driver = Add(node, "driver");
  Set(driver, "name", "qemu");
  Set(driver, "type", disk.format);
  Set(driver, "cache", disk.cache);
  Set(Add(node, "source"), "file", disk.path);
  // The chain is spelled out to its end. Without it libvirt reads the base's name from the overlay
  // and guesses what the base may point at.
  if (disk.base) {
    auto backing = Add(node, "backingStore");
    Set(backing, "type", "file");
    Set(Add(backing, "format"), "type", disk.base->format);
    Set(Add(backing, "source"), "file", disk.base->path.string());
    Add(backing, "backingStore");
  }
  auto target = Add(node, "target");
  Set(target, "dev", disk.target);
  Set(target, "bus", disk.bus);
  if (disk.read_only) Add(node, "readonly");
}

void WriteNic(pugi::xml_node devices, const Domain& domain, const NicDevice& device) {
  const bool bridge = device.nic.kind == model::NetworkKind::kBridge;
  auto node = Add(devices, "interface");
  Set(node, "type", bridge ? "bridge" : "network");
  Set(Add(node, "mac"), "address", device.nic.mac);
  Set(Add(node, "source"), bridge ? "bridge" : "network", device.nic.source);
  Set(Add(node, "target"), "dev", device.tap);
  Set(Add(node, "model"), "type", device.model);
  // Without it libvirt would open vhost for a guest that is emulated.
  if (domain.virt_type == "qemu") Set(Add(node, "driver"), "name", "qemu");
  if (device.nic.mtu > 0) Set(Add(node, "mtu"), "size", std::to_string(device.nic.mtu));
  if (!device.filter.empty()) Set(Add(node, "filterref"), "filter", device.filter);
}

void WriteSmallDevices(pugi::xml_node devices, const Domain& domain) {
  auto serial = Add(devices, "serial");
  Set(serial, "type", "pty");
  auto log = Add(serial, "log");
  Set(log, "file", domain.console_log);
  Set(log, "append", "off");
  if (domain.rng) {
    auto rng = Add(devices, "rng");
    Set(rng, "model", "virtio");
    if (domain.rng_bytes > 0 && domain.rng_period_ms > 0) {
      auto rate = Add(rng, "rate");
      Set(rate, "period", std::to_string(domain.rng_period_ms));
      Set(rate, "bytes", std::to_string(domain.rng_bytes));
    }
    Set(AddText(rng, "backend", "/dev/urandom"), "model", "random");
  }
  auto usb = Add(devices, "controller");
  Set(usb, "type", "usb");
  Set(usb, "index", "0");
  Set(usb, "model", "none");
  if (domain.memory_stats_period > 0) {
    auto balloon = Add(devices, "memballoon");
    Set(balloon, "model", "virtio");
    Set(Add(balloon, "stats"), "period", std::to_string(domain.memory_stats_period));
  }
}

Status CheckPlainTexts(const Domain& domain) {
  const std::pair<const char*, const std::string*> texts[] = {
      {"host", &domain.owner.host},     {"console_log", &domain.console_log},
      {"kernel", &domain.kernel},       {"ramdisk", &domain.ramdisk},
      {"cmdline", &domain.cmdline},     {"machine", &domain.machine},
      {"emulator", &domain.emulator},   {"cpu_model", &domain.cpu_model},
      {"virt_type", &domain.virt_type}, {"vendor", &domain.vendor},
      {"product", &domain.product},     {"package_version", &domain.package_version}};
  for (const auto& [field, text] : texts) RETURN_IF_ERROR(RequirePrintable(*text, field));
  for (const auto& disk : domain.disks) {
    RETURN_IF_ERROR(RequirePrintable(disk.path, "disk"));
    if (disk.base) RETURN_IF_ERROR(RequirePrintable(disk.base->path.string(), "base"));
  }
  for (const auto& device : domain.nics) {
    RETURN_IF_ERROR(RequirePrintable(device.nic.source, "source"));
    RETURN_IF_ERROR(RequirePrintable(device.nic.mac, "mac"));
  }
  return OkStatus();
}

}  // namespace

Expected<std::string> DomainXml(const Domain& domain) {
  RETURN_IF_ERROR(CheckPlainTexts(domain));
  pugi::xml_document document;
  auto root = document.append_child("domain");
  Set(root, "type", domain.virt_type);
  AddText(root, "uuid", domain.instance.uuid.str());
  AddText(root, "name", domain.name);
  Set(AddNumber(root, "memory", domain.flavor.memory_mb * 1024), "unit", "KiB");
  AddNumber(root, "vcpu", domain.flavor.vcpus);
  auto metadata = Add(root, "metadata");
  WriteNovaMetadata(metadata, domain);
  WriteOwnerTag(metadata, domain.owner);
  WriteSysinfo(root, domain);
  WriteOs(root, domain);
  WriteFeatures(root, domain);
  WriteClock(root, domain);
  WriteCpu(root, domain);
  auto devices = Add(root, "devices");
  if (!domain.emulator.empty()) AddText(devices, "emulator", domain.emulator);
  for (const auto& disk : domain.disks) WriteDisk(devices, disk);
  for (const auto& nic : domain.nics) WriteNic(devices, domain, nic);
  WriteSmallDevices(devices, domain);
  std::ostringstream out;
  document.save(out, "  ", pugi::format_indent | pugi::format_no_declaration, pugi::encoding_utf8);
  return out.str();
}

}  // namespace kilonova::agent::guest
