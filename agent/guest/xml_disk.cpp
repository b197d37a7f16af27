// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/xml_parts.h"

namespace kilonova::agent::guest {
namespace {

constexpr const char* kIoTuneOrder[] = {
    "read_bytes_sec",      "read_iops_sec",     "write_bytes_sec",    "write_iops_sec",
    "total_bytes_sec",     "total_iops_sec",    "read_bytes_sec_max", "write_bytes_sec_max",
    "total_bytes_sec_max", "read_iops_sec_max", "write_iops_sec_max", "total_iops_sec_max",
    "size_iops_sec"};

void WriteDriver(XmlWriter& xml, pugi::xml_node node, const DiskDevice& disk) {
  auto driver = xml.Add(node, "driver");
  xml.SetWord(driver, "name", "qemu");
  xml.Set(driver, "type", disk.format);
  xml.SetIf(driver, "cache", disk.cache);
  xml.SetIf(driver, "discard", disk.discard);
  xml.SetIf(driver, "io", disk.io);
  if (disk.iommu) xml.SetWord(driver, "iommu", "on");
}

void WriteSource(XmlWriter& xml, pugi::xml_node node, const DiskDevice& disk) {
  auto source = xml.Add(node, "source");
  if (disk.source_type != "network") {
    xml.Set(source, disk.source_type == "block" ? "dev" : "file", disk.path);
    return;
  }
  xml.Set(source, "protocol", disk.network.protocol);
  xml.SetIf(source, "name", disk.network.name);
  for (const auto& [name, port] : disk.network.hosts) {
    auto host = xml.Add(source, "host");
    xml.Set(host, "name", name);
    xml.SetIf(host, "port", port);
  }
}

// The chain is spelled out to its end. Without it libvirt reads the base's name from the overlay
// and guesses what the base may point at.
void WriteChain(XmlWriter& xml, pugi::xml_node node, const DiskDevice& disk) {
  if (disk.base) {
    auto backing = xml.Add(node, "backingStore");
    xml.SetWord(backing, "type", "file");
    xml.Set(xml.Add(backing, "format"), "type", disk.base->format);
    xml.Set(xml.Add(backing, "source"), "file", disk.base->path.string());
    xml.Add(backing, "backingStore");
  } else if (disk.chain_ends) {
    xml.Add(node, "backingStore");
  }
}

void WriteLimits(XmlWriter& xml, pugi::xml_node node, const DiskDevice& disk) {
  if (disk.iotune.empty()) return;
  auto iotune = xml.Add(node, "iotune");
  for (const char* name : kIoTuneOrder) {
    if (const auto at = disk.iotune.find(name); at != disk.iotune.end()) {
      xml.AddText(iotune, name, at->second);
    }
  }
}

void WriteSecrets(XmlWriter& xml, pugi::xml_node node, const DiskDevice& disk) {
  if (disk.luks_secret.empty()) return;
  auto encryption = xml.Add(node, "encryption");
  xml.SetWord(encryption, "format", "luks");
  auto secret = xml.Add(encryption, "secret");
  xml.SetWord(secret, "type", "passphrase");
  xml.Set(secret, "uuid", disk.luks_secret);
}

}  // namespace

void WriteDisk(XmlWriter& xml, pugi::xml_node devices, const DiskDevice& disk) {
  auto node = xml.Add(devices, "disk");
  xml.Set(node, "type", disk.source_type);
  xml.Set(node, "device", disk.device);
  WriteDriver(xml, node, disk);
  WriteSource(xml, node, disk);
  WriteChain(xml, node, disk);
  if (disk.auth) {
    auto auth = xml.Add(node, "auth");
    xml.Set(auth, "username", disk.auth->username);
    auto secret = xml.Add(auth, "secret");
    xml.Set(secret, "type", disk.auth->secret_type);
    xml.Set(secret, "uuid", disk.auth->secret_uuid);
  }
  auto target = xml.Add(node, "target");
  xml.Set(target, "dev", disk.target);
  xml.Set(target, "bus", disk.bus);
  if (!disk.serial.empty()) xml.AddText(node, "serial", disk.serial);
  WriteLimits(xml, node, disk);
  if (!disk.logical_block_size.empty() || !disk.physical_block_size.empty()) {
    auto blockio = xml.Add(node, "blockio");
    xml.SetIf(blockio, "logical_block_size", disk.logical_block_size);
    xml.SetIf(blockio, "physical_block_size", disk.physical_block_size);
  }
  if (disk.read_only) xml.Add(node, "readonly");
  if (disk.shareable) xml.Add(node, "shareable");
  if (!disk.boot_order.empty()) xml.Set(xml.Add(node, "boot"), "order", disk.boot_order);
  if (disk.unit) {
    auto address = xml.Add(node, "address");
    xml.SetWord(address, "type", "drive");
    xml.SetNumber(address, "controller", 0);
    xml.SetNumber(address, "unit", *disk.unit);
  }
  WriteSecrets(xml, node, disk);
}

}  // namespace kilonova::agent::guest
