// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/vif.h"

#include <algorithm>

#include "agent/guest/image_text.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

constexpr std::string_view kPassthrough =
    "direct direct-physical accelerator-direct accelerator-direct-physical remote-managed vdpa";
constexpr std::string_view kModels =
    "virtio ne2k_pci pcnet rtl8139 e1000 e1000e spapr-vlan vmxnet3";

// The kernel's bound on the queues of a tap; 0 = none.
std::int64_t MostQueues(const Context& context) {
  if (context.config.max_queues && *context.config.max_queues != 0) {
    return *context.config.max_queues;
  }
  const int kernel = context.host.kernel_major;
  if (kernel <= 2) return 1;
  if (kernel == 3) return 8;
  return kernel == 4 ? 256 : 0;
}

Status ApplyMultiqueue(const Context& context, InterfaceDevice& nic) {
  ASSIGN_OR_RETURN(const bool multiqueue, hardware::VifMultiqueueConstraint(context.needs));
  if (!multiqueue) return OkStatus();
  nic.driver = "vhost";
  const std::int64_t most = MostQueues(context);
  nic.queues = context.input.flavor.vcpus;
  if (most > 0) nic.queues = std::min(*nic.queues, most);
  return OkStatus();
}

bool HasModel(const Context& context, const std::string& model) {
  return HasWord(kModels, model) || (model == "lan9118" && context.config.virt_type == "qemu");
}

Status AddVif(const Context& context, const Vif& vif, Domain& domain) {
  if (vif.type == "hostdev_physical" || vif.type == "ib_hostdev") {
    ASSIGN_OR_RETURN(const PciAddress address, PciSlot(vif));
    domain.devices.emplace_back(HostPciDevice{address});
    return OkStatus();
  }
  RETURN_IF_ERROR(CheckBackend(vif));
  ASSIGN_OR_RETURN(InterfaceDevice nic, BaseInterface(context, vif));
  RETURN_IF_ERROR(ApplyBackend(context, vif, nic));
  domain.devices.emplace_back(std::move(nic));
  return OkStatus();
}

}  // namespace

Expected<InterfaceDevice> BaseInterface(const Context& context, const Vif& vif) {
  const GuestConfig& config = context.config;
  InterfaceDevice nic;
  nic.mac = vif.address;
  if (HasWord(kPassthrough, vif.vnic_type)) return nic;
  nic.model =
      TextOr(context.input.image, "hw_vif_model", config.use_virtio_for_bridges ? "virtio" : "");
  if (!nic.model.empty() && !HasModel(context, nic.model)) {
    return Refuse(reason::kImageInvalid, "UnsupportedHardware",
                  "hw_vif_model cannot be " + nic.model + " on this hypervisor",
                  {{"key", "hw_vif_model"}});
  }
  if (config.rx_queue_size.value_or(0) != 0) nic.rx_queue_size = config.rx_queue_size;
  if (nic.model != "virtio") return nic;
  if (config.virt_type == "qemu") {
    // Without it libvirt would open vhost for a guest that is emulated.
    nic.driver = "qemu";
  } else {
    RETURN_IF_ERROR(ApplyMultiqueue(context, nic));
  }
  if (nic.driver != "qemu" && config.rx_queue_size.value_or(0) != 0) nic.driver = "vhost";
  return nic;
}

Expected<PciAddress> PciSlot(const Vif& vif) {
  const std::string slot = vif.details.pci_slot.value_or("");
  return ParsePciAddress(slot);
}

Expected<PciAddress> ParsePciAddress(const std::string& text) {
  const auto hex = [&text](std::size_t from, std::size_t count) {
    return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from),
                       text.begin() + static_cast<std::ptrdiff_t>(from + count), [](char c) {
                         return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
                                (c >= 'A' && c <= 'F');
                       });
  };
  if (text.size() == 12 && text[4] == ':' && text[7] == ':' && text[10] == '.' && hex(0, 4) &&
      hex(5, 2) && hex(8, 2) && text[11] >= '0' && text[11] <= '7') {
    return PciAddress{text.substr(0, 4), text.substr(5, 2), text.substr(8, 2), text.substr(11)};
  }
  return Refuse(reason::kInvalidArgument, "PciDeviceWrongAddressFormat",
                "not a PCI address: " + Printable(text), {{"field", "pci_slot"}});
}

void ApplyBandwidth(const model::ExtraSpecs& specs, InterfaceDevice& nic) {
  const auto read = [&specs](const std::string& direction) {
    const auto value = [&](const char* what) {
      const auto at = specs.find("quota:vif_" + direction + "_" + what);
      return at == specs.end() ? std::string() : at->second;
    };
    return Bandwidth{value("average"), value("peak"), value("burst")};
  };
  // libvirt has no limit without an average.
  if (Bandwidth inbound = read("inbound"); !inbound.average.empty()) nic.inbound = inbound;
  if (Bandwidth outbound = read("outbound"); !outbound.average.empty()) nic.outbound = outbound;
}

Status DescribeVifs(const Context& context, Domain& domain) {
  for (const Vif& vif : context.input.vifs) RETURN_IF_ERROR(AddVif(context, vif, domain));
  return OkStatus();
}

}  // namespace kilonova::agent::guest
