// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "agent/guest/refusal.h"
#include "agent/guest/text.h"
#include "agent/guest/vif.h"

namespace kilonova::agent::guest {
namespace {

constexpr std::size_t kInterfaceNameMax = 14;  // Neutron's taps; IFNAMSIZ less two
constexpr const char* kMacFilter = "no-mac-spoofing";

std::string DeviceName(const Vif& vif) {
  return vif.devname.empty() ? ("nic" + vif.id).substr(0, kInterfaceNameMax) : vif.devname;
}

void QueueSizes(const Context& context, InterfaceDevice& nic) {
  const GuestConfig& config = context.config;
  if (config.rx_queue_size.value_or(0) != 0) nic.rx_queue_size = config.rx_queue_size;
  if (config.tx_queue_size.value_or(0) != 0) nic.tx_queue_size = config.tx_queue_size;
}

void Ethernet(const std::string& tap, InterfaceDevice& nic) {
  nic.type = "ethernet";
  nic.target = tap;
}

// A tap on a bridge of libvirt's or of the host's. libvirt's filters work on these alone.
void OnBridge(const Context& context, const Vif& vif, const std::string& bridge,
              InterfaceDevice& nic) {
  nic.type = vif.type == kLibvirtNetworkVif ? "network" : "bridge";
  nic.source = bridge;
  nic.target = DeviceName(vif);
  if (context.config.lock_mac) nic.filter = kMacFilter;
}

Status HostDevice(const Vif& vif, InterfaceDevice& nic) {
  nic.type = "hostdev";
  nic.model.clear();
  ASSIGN_OR_RETURN(nic.address, PciSlot(vif));
  return OkStatus();
}

Status VhostUser(const Context& context, const Vif& vif, const std::string& tap,
                 InterfaceDevice& nic) {
  nic.type = "vhostuser";
  nic.driver.clear();
  nic.source = *vif.details.vhostuser_socket;
  nic.source_mode = vif.details.vhostuser_mode;
  nic.target = tap;
  QueueSizes(context, nic);
  return OkStatus();
}

void Vdpa(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  nic.type = "vdpa";
  nic.source = vif.vdpa_device;
  QueueSizes(context, nic);
}

Status Ovs(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  if (vif.vnic_type == "vdpa") {
    Vdpa(context, vif, nic);
    return OkStatus();
  }
  if (vif.vnic_type == "direct" || vif.vnic_type == "remote-managed") return HostDevice(vif, nic);
  if (vif.details.ovs_hybrid_plug) {
    OnBridge(context, vif, ("qbr" + vif.id).substr(0, kInterfaceNameMax), nic);
  } else if (vif.delegate_create) {
    Ethernet(DeviceName(vif), nic);
  } else {
    OnBridge(context, vif, vif.bridge, nic);
    nic.filter.clear();  // libvirt takes no filter beside a virtual port
    nic.virtual_port = "openvswitch";
    nic.virtual_port_parameters = {
        {"interfaceid", vif.ovs_interface_id.empty() ? vif.id : vif.ovs_interface_id}};
  }
  ApplyBandwidth(context.input.flavor.extra_specs, nic);
  return OkStatus();
}

Status Vrouter(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  if (vif.vnic_type == "direct") return HostDevice(vif, nic);
  if (vif.vnic_type == "virtio-forwarder") return VhostUser(context, vif, DeviceName(vif), nic);
  Ethernet(DeviceName(vif), nic);
  ApplyBandwidth(context.input.flavor.extra_specs, nic);
  return OkStatus();
}

void PassthroughMacvtap(const Vif& vif, InterfaceDevice& nic) {
  nic.type = "direct";
  nic.source_mode = "passthrough";
  nic.source = vif.netdev;
  nic.driver = "vhost";
}

// SR-IOV behind a hardware switch: the function itself, or a macvtap on it.
Status HwVeb(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  nic.vlan = vif.details.vlan.value_or("");
  if (vif.vnic_type == "direct" || vif.vnic_type == "accelerator-direct") {
    RETURN_IF_ERROR(HostDevice(vif, nic));
  } else {
    PassthroughMacvtap(vif, nic);
  }
  ApplyBandwidth(context.input.flavor.extra_specs, nic);
  return OkStatus();
}

Status Macvtap(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  const VifDetails& details = vif.details;
  if (!details.macvtap_source || !details.macvtap_mode || !details.physical_interface) {
    return Refuse(reason::kNetworkInvalid, "VifDetailsMissingMacvtapParameters",
                  "port " + Printable(vif.id) +
                      " lacks macvtap_source, macvtap_mode or "
                      "physical_interface",
                  {{"field", "binding:vif_details"}});
  }
  nic.type = "direct";
  nic.source_mode = *details.macvtap_mode;
  nic.source = *details.macvtap_source;
  nic.model = "virtio";
  ApplyBandwidth(context.input.flavor.extra_specs, nic);
  return OkStatus();
}

Status Qbg(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  nic.type = "direct";
  nic.source = vif.qbg.interface;
  nic.source_mode = "vepa";
  nic.virtual_port = "802.1Qbg";
  nic.virtual_port_parameters = {{"managerid", vif.qbg.manager_id},
                                 {"typeid", vif.qbg.type_id},
                                 {"typeidversion", vif.qbg.type_id_version},
                                 {"instanceid", vif.qbg.instance_id}};
  ApplyBandwidth(context.input.flavor.extra_specs, nic);
  return OkStatus();
}

Status Qbh(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  if (vif.vnic_type == "direct") {
    RETURN_IF_ERROR(HostDevice(vif, nic));
  } else {
    PassthroughMacvtap(vif, nic);
  }
  nic.virtual_port = "802.1Qbh";
  nic.virtual_port_parameters = {{"profileid", vif.details.profile_id.value_or("")}};
  ApplyBandwidth(context.input.flavor.extra_specs, nic);
  return OkStatus();
}

Status Bridge(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  OnBridge(context, vif, vif.bridge, nic);
  ApplyBandwidth(context.input.flavor.extra_specs, nic);
  return OkStatus();
}

Status Ivs(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  if (vif.details.ovs_hybrid_plug) {
    OnBridge(context, vif, ("qbr" + vif.id).substr(0, kInterfaceNameMax), nic);
  } else {
    Ethernet(DeviceName(vif), nic);
  }
  ApplyBandwidth(context.input.flavor.extra_specs, nic);
  return OkStatus();
}

Status VhostUserPort(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  const VifDetails& details = vif.details;
  const bool ovs = details.vhostuser_ovs_plug && !details.vhostuser_fp_plug;
  return VhostUser(context, vif,
                   ovs ? ("vhu" + vif.id).substr(0, kInterfaceNameMax) : DeviceName(vif), nic);
}

Status AgilioOvs(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  if (vif.vnic_type == "direct") return HostDevice(vif, nic);
  if (vif.vnic_type == "virtio-forwarder") return VhostUser(context, vif, DeviceName(vif), nic);
  return Ovs(context, vif, nic);
}

Status Tap(const Context&, const Vif& vif, InterfaceDevice& nic) {
  Ethernet(DeviceName(vif), nic);
  return OkStatus();
}

Status Iovisor(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  Ethernet(DeviceName(vif), nic);
  ApplyBandwidth(context.input.flavor.extra_specs, nic);
  return OkStatus();
}

struct Backend {
  std::string_view type;
  Status (*apply)(const Context&, const Vif&, InterfaceDevice&);
  bool mtu = false;  // Nova passes the network's MTU on
};
constexpr std::array kBackends = {
    Backend{"bridge", Bridge, true},
    Backend{kLibvirtNetworkVif, Bridge, true},
    Backend{"ovs", Ovs, true},
    Backend{"ivs", Ivs, true},
    Backend{"agilio_ovs", AgilioOvs, true},
    Backend{"vhostuser", VhostUserPort, true},
    Backend{"vrouter", Vrouter, true},
    Backend{"tap", Tap, true},
    Backend{"midonet", Tap},
    Backend{"iovisor", Iovisor},
    Backend{"hw_veb", HwVeb},
    Backend{"macvtap", Macvtap},
    Backend{"802.1qbg", Qbg},
    Backend{"802.1qbh", Qbh},
};

}  // namespace

Status CheckBackend(const Vif& vif) {
  const auto* backend = std::ranges::find(kBackends, vif.type, &Backend::type);
  if (backend == kBackends.end()) {
    const bool legacy = vif.type == "dvs" || vif.type == "binding_failed" || vif.type == "unbound";
    return Refuse(reason::kNetworkInvalid, legacy ? "InternalError" : "NovaException",
                  "port " + Printable(vif.id) + " has unknown type " + Printable(vif.type),
                  {{"field", "binding:vif_type"}});
  }
  const bool forwarder = vif.vnic_type == "virtio-forwarder";
  if (vif.type == "vrouter" && !forwarder && vif.vnic_type != "normal" &&
      vif.vnic_type != "direct") {
    return Refuse(reason::kNetworkInvalid, "NotImplementedError",
                  "a vrouter port cannot be " + Printable(vif.vnic_type), {{"field", "vnic_type"}});
  }
  const bool vhostuser =
      vif.type == "vhostuser" || (forwarder && (vif.type == "vrouter" || vif.type == "agilio_ovs"));
  if (vhostuser && vif.details.vhostuser_socket.value_or("").empty()) {
    return Refuse(reason::kNetworkInvalid, "VifDetailsMissingVhostuserSockPath",
                  "port " + Printable(vif.id) + " names no vhost-user socket",
                  {{"field", "vhostuser_socket"}});
  }
  return OkStatus();
}

Status ApplyBackend(const Context& context, const Vif& vif, InterfaceDevice& nic) {
  const auto* backend = std::ranges::find(kBackends, vif.type, &Backend::type);
  if (backend == kBackends.end()) return CheckBackend(vif);
  RETURN_IF_ERROR(backend->apply(context, vif, nic));
  const bool settable = nic.type == "bridge" || nic.type == "network" || nic.type == "ethernet";
  if (backend->mtu && settable && vif.mtu) nic.mtu = vif.mtu;
  return OkStatus();
}

}  // namespace kilonova::agent::guest
