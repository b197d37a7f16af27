// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/node_devices.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <pugixml.hpp>
#include <set>

#include "agent/adapters/libvirt/errors.h"
#include "agent/adapters/libvirt/handles.h"
#include "agent/core/pci_machine.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostXml = 1 << 20;

using DeviceHandle = std::unique_ptr<virNodeDevice, FreeWith<virNodeDeviceFree>>;

// Nova's form: each number with its least digits.
std::string AddressOf(const pugi::xml_node& domain, const pugi::xml_node& bus,
                      const pugi::xml_node& slot, const pugi::xml_node& function) {
  char text[64];
  std::snprintf(text, sizeof text, "%04x:%02x:%02x.%01x", domain.text().as_uint(),
                bus.text().as_uint(), slot.text().as_uint(), function.text().as_uint());
  return text;
}

std::string AddressOf(const pugi::xml_node& address) {
  char text[64];
  std::snprintf(text, sizeof text, "%04x:%02x:%02x.%01x", address.attribute("domain").as_uint(),
                address.attribute("bus").as_uint(), address.attribute("slot").as_uint(),
                address.attribute("function").as_uint());
  return text;
}

// "0x10de" as four digits.
std::string IdOf(const pugi::xml_node& node) {
  char text[32];
  std::snprintf(text, sizeof text, "%04x", node.attribute("id").as_uint() & 0xFFFFU);
  return text;
}

std::string FirstEntry(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    return entry.path().filename().string();
  }
  return {};
}

Expected<std::vector<DeviceHandle>> List(virConnectPtr connect, unsigned flags) {
  virNodeDevicePtr* listed = nullptr;
  const int count = virConnectListAllNodeDevices(connect, &listed, flags);
  if (count < 0) {
    if (LastErrorCode() == VIR_ERR_NO_SUPPORT) return std::vector<DeviceHandle>();
    return LastError("listing the host's devices failed");
  }
  std::vector<DeviceHandle> devices;
  devices.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) devices.emplace_back(listed[i]);
  std::free(listed);
  return devices;
}

// Names of the devices that devices of a kind are children of.
Expected<std::set<std::string>> ParentsOf(virConnectPtr connect, unsigned flags) {
  ASSIGN_OR_RETURN(const auto devices, List(connect, flags));
  std::set<std::string> parents;
  for (const DeviceHandle& each : devices) {
    if (const char* parent = virNodeDeviceGetParent(each.get())) parents.emplace(parent);
  }
  return parents;
}

}  // namespace

Expected<std::optional<hardware::PciDevice>> ParsePciDevice(const std::string& xml) {
  pugi::xml_document document;
  if (xml.size() > kMostXml || !document.load_buffer(xml.data(), xml.size())) {
    return Error(Code::kInternal, reason::kInternal, "libvirt's device is no XML");
  }
  const pugi::xml_node pci =
      document.child("device").find_child_by_attribute("capability", "type", "pci");
  if (!pci) return std::nullopt;
  hardware::PciDevice device;
  device.address =
      AddressOf(pci.child("domain"), pci.child("bus"), pci.child("slot"), pci.child("function"));
  device.vendor_id = IdOf(pci.child("vendor"));
  device.product_id = IdOf(pci.child("product"));
  if (const auto numa = pci.child("numa").attribute("node")) device.numa_node = numa.as_int();
  for (const auto& capability : pci.children("capability")) {
    const std::string_view type = capability.attribute("type").value();
    if (type == "virt_functions") {
      device.dev_type = "type-PF";
      for (const auto& function : capability.children("address")) {
        device.virtual_functions.push_back(AddressOf(function));
      }
      break;
    }
    if (type == "phys_function" && capability.child("address")) {
      device.dev_type = "type-VF";
      device.parent_addr = AddressOf(capability.child("address"));
      break;
    }
  }
  return device;
}

Expected<core::HeldDevices> ParseHeldDevices(const std::string& xml) {
  pugi::xml_document document;
  if (xml.size() > kMostXml || !document.load_buffer(xml.data(), xml.size()) ||
      !document.child("domain")) {
    return Error(Code::kInternal, reason::kInternal, "libvirt's domain is no XML");
  }
  core::HeldDevices held;
  for (const auto& device : document.child("domain").child("devices").children()) {
    const std::string_view kind = device.name(), type = device.attribute("type").value();
    if (!(kind == "hostdev" && type == "pci") && !(kind == "interface" && type == "hostdev")) {
      continue;
    }
    if (const auto address = device.child("source").child("address")) {
      held.pci.push_back(AddressOf(address));
    }
  }
  return held;
}

Expected<std::vector<hardware::AssignablePciDevice>> ListPciDevices(
    virConnectPtr connect, const hardware::PciDeviceSpecs& specs) {
  const hardware::PciMachine machine = core::MachineAt();
  ASSIGN_OR_RETURN(const auto cards, ParentsOf(connect, VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET));
  // Not known to every libvirt.
  const auto vdpa = ParentsOf(connect, VIR_CONNECT_LIST_NODE_DEVICES_CAP_VDPA);
  ASSIGN_OR_RETURN(const auto devices, List(connect, VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV));
  std::vector<hardware::AssignablePciDevice> assignable;
  for (const DeviceHandle& each : devices) {
    char* text = virNodeDeviceGetXMLDesc(each.get(), 0);
    if (text == nullptr) continue;  // it went meanwhile
    ASSIGN_OR_RETURN(auto device, ParsePciDevice(TakeText(text)));
    if (!device) continue;
    const std::string name = virNodeDeviceGetName(each.get());
    if (device->dev_type == "type-VF") {
      if (cards.contains(name)) {
        device->parent_ifname =
            FirstEntry(fs::path("/sys/bus/pci/devices") / device->address / "physfn/net");
      }
      if (vdpa.ok() && vdpa->contains(name)) device->dev_type = "vdpa";
    }
    if (const hardware::PciTags* tags = specs.TagsFor(*device, machine)) {
      assignable.push_back({*std::move(device), *tags});
    }
  }
  return assignable;
}

}  // namespace kilonova::agent::adapters::libvirt
