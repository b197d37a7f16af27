// SPDX-License-Identifier: Apache-2.0
// Any text as device_spec, as alias and as what a flavor asks of aliases: it is read within its
// bounds, or refused.
#include "common/hardware/pci_alias.h"
#include "common/hardware/pci_alias_spec.h"
#include "common/hardware/pci_device_spec.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilonova::hardware;  // NOLINT(google-build-using-namespace)
  using kilonova::fuzz::Require;
  const std::string text(kilonova::fuzz::Text(data, size));
  PciDevice device;
  device.address = "0000:05:00.1";
  device.vendor_id = "8086";
  device.product_id = "154d";
  device.parent_addr = "0000:05:00.0";
  if (const auto specs = PciDeviceSpecs::Parse({text}, PciMachine()); specs.ok()) {
    if (const PciTags* tags = specs->TagsFor(device, PciMachine())) Require(tags->size() <= 32);
  }
  if (const auto aliases = PciAliases::Parse({text}); aliases.ok()) {
    static_cast<void>(aliases->RequestsFor("gpu:1", PciNumaPolicy::kNone));
  }
  if (const auto asked = ReadPciAliasSpec(text); asked.ok()) {
    Require(asked->size() <= kMostPciAliases);
    for (const PciAliasAsked& each : *asked) Require(each.count >= 0);
  }
  static_cast<void>(PciFunctionAddress::Parse(text));
  return 0;
}
