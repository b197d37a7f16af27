// SPDX-License-Identifier: Apache-2.0
// Nova's [pci] device_spec: which of a host's PCI devices guests may have, and the tags of those.
//
//   ASSIGN_OR_RETURN(const auto specs, PciDeviceSpecs::Parse(texts, sysfs));
//   if (const PciTags* tags = specs.TagsFor(device, sysfs)) ...  // assignable
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace kilonova::hardware {

// One PCI function of the machine.
struct PciDevice {
  std::string address;                // "0000:05:00.1"
  std::string vendor_id, product_id;  // "8086"
  std::string dev_type = "type-PCI";  // or "type-PF", "type-VF", "vdpa"
  std::string parent_addr;            // of a VF: its PF; "" = none
  std::string parent_ifname;          // of a VF that is a network card: its PF's; "" = none
  std::vector<std::string> virtual_functions;  // of a PF: addresses of its VFs
  std::optional<std::int64_t> numa_node;

  friend bool operator==(const PciDevice&, const PciDevice&) = default;
};

// Nothing is JSON's null: "physical_network": null is that of devices for tunnelled networks.
using PciTags = std::map<std::string, std::optional<std::string>>;

// What only the machine knows. A function that is absent answers no.
struct PciMachine {
  std::function<bool(const std::string& address)> is_physical_function;
  struct Function {
    std::string address;
    bool physical = false;
  };
  std::function<std::optional<Function>(const std::string& interface)> function_of;
};

// "0000:0a:00.1" in four hexadecimal numbers in Nova's form; nothing for what is none.
struct PciFunctionAddress {
  std::string domain, bus, slot, function;
  static std::optional<PciFunctionAddress> Parse(std::string_view text);
  friend bool operator==(const PciFunctionAddress&, const PciFunctionAddress&) = default;
};

class PciDeviceSpecs {
 public:
  PciDeviceSpecs();
  ~PciDeviceSpecs();
  PciDeviceSpecs(PciDeviceSpecs&&) noexcept;
  PciDeviceSpecs& operator=(PciDeviceSpecs&&) noexcept;

  // Each text is a JSON object, or a list of such, with vendor_id, product_id, address (a glob, or
  // an object of regular expressions), devname and tags. CONFIG_INVALID, nova_exception as Nova
  // raises it; remote_managed devices are refused, nobody here could manage them.
  static Expected<PciDeviceSpecs> Parse(const std::vector<std::string>& texts,
                                        const PciMachine& machine);
  bool Empty() const;
  // Those of the first entry that takes the device; null when none does.
  const PciTags* TagsFor(const PciDevice& device, const PciMachine& machine) const;

 private:
  struct Entry;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace kilonova::hardware
