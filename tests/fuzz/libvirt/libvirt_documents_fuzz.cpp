// SPDX-License-Identifier: Apache-2.0
// Any text as what libvirt and QEMU describe themselves with: it is read within its bounds, or
// refused.
#include "agent/adapters/libvirt/capabilities.h"
#include "agent/adapters/libvirt/firmware.h"
#include "agent/adapters/libvirt/mdevs.h"
#include "agent/adapters/libvirt/node_devices.h"
#include "common/hardware/cpu_set.h"
#include "tests/fuzz/require.h"

namespace {

using namespace kilonova::agent::adapters::libvirt;  // NOLINT(google-build-using-namespace)
using kilonova::fuzz::Require;

void CheckCapabilities(const Capabilities& read) {
  for (const auto& triple : read.supported_instances) Require(triple.size() == 3);
  for (const auto& cell : read.cells) {
    for (const auto& cpu : cell.cpus) {
      Require(cpu.id >= 0 && cpu.id <= kilonova::hardware::kMaxCpuId);
      Require(cpu.siblings.contains(cpu.id));
    }
  }
  for (const auto& [arch, aliases] : read.machine_aliases) {
    for (const auto& alias : aliases) Require(read.canonical_machines.at(arch).contains(alias));
  }
}

void CheckMdevs(const std::string& xml) {
  if (const auto parent = ParseMdevParent(xml); parent.ok() && *parent) {
    Require(!(*parent)->name.empty() && !(*parent)->available.empty());
    for (const auto& [type, available] : (*parent)->available) {
      Require(!type.empty() && available >= 0 && available <= INT32_MAX);
    }
  }
  if (const auto mdev = ParseMdev(xml); mdev.ok() && *mdev) {
    Require(kilonova::Uuid::Parse((*mdev)->uuid.str()).ok());
  }
  if (const auto uuids = ParseMdevsOfDomain(xml); uuids.ok()) {
    for (const auto& uuid : *uuids) Require(kilonova::Uuid::Parse(uuid.str()).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = kilonova::fuzz::Text(data, size);
  if (const auto read = ParseCapabilities(text); read.ok()) CheckCapabilities(*read);
  static_cast<void>(ParseMachineCapabilities(text));
  static_cast<void>(ParseCpuFeatures(text));
  if (const auto cpu = ParseDomainCapabilities(text); cpu.ok()) {
    Require(cpu->host_model || cpu->as_cpu_xml.empty());
    // What libvirt is asked to compute with is a document itself.
    if (cpu->host_model) Require(ParseCpuFeatures(cpu->as_cpu_xml).ok());
  }
  if (const auto tag = ParseOwnerTag(text); tag.ok()) Require(!tag->host.empty());
  static_cast<void>(ParseFirmwareDescriptor(text));
  if (const auto device = ParsePciDevice(std::string(text)); device.ok() && *device) {
    Require((*device)->vendor_id.size() == 4 && (*device)->product_id.size() == 4);
    Require((*device)->dev_type == "type-PF" || (*device)->virtual_functions.empty());
  }
  static_cast<void>(ParseHeldDevices(std::string(text)));
  CheckMdevs(std::string(text));
  return 0;
}
