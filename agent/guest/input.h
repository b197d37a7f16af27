// SPDX-License-Identifier: Apache-2.0
// Everything a guest is made from, free of where it came: an order of the queue, a vector of a
// test. What differs between hosts is in GuestConfig and core::GuestCapabilities.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/guest_capabilities.h"
#include "agent/core/hypervisor.h"
#include "agent/core/image_store.h"
#include "agent/guest/config.h"
#include "common/hardware/image_props.h"
#include "common/hardware/topology.h"
#include "common/model/requests.h"

namespace kilonova::agent::guest {

// Neutron's binding:vif_details and binding:profile, as far as a guest depends on them.
struct VifDetails {
  bool ovs_hybrid_plug = false;
  bool vhostuser_fp_plug = false, vhostuser_ovs_plug = false, vhostuser_vrouter_plug = false;
  std::optional<std::string> vhostuser_socket;
  std::string vhostuser_mode = "server";  // what QEMU is
  std::optional<std::string> macvtap_source, macvtap_mode, physical_interface;
  std::optional<std::string> vlan, profile_id;
  std::optional<std::string> pci_slot;  // profile: "0000:0a:00.1"
};

struct QbgParameters {  // 802.1Qbg
  std::string interface, manager_id, type_id, type_id_version, instance_id;
};

struct VifIp {
  std::string type = "fixed", address;
  int version = 4;
};

// One port of a guest. `type` is Neutron's binding:vif_type, or kLibvirtNetworkVif.
struct Vif {
  std::string id;
  std::string type, vnic_type = "normal";
  std::string address;           // MAC
  std::string devname;           // "" = "nic" + id
  std::string bridge;            // or the libvirt network
  std::string ovs_interface_id;  // "" = id
  bool delegate_create = true;   // os-vif makes the tap: so Nova and Neutron agreed for years
  std::optional<std::int64_t> mtu;
  std::vector<VifIp> ips;
  VifDetails details;
  QbgParameters qbg;
  std::string netdev;       // of the PCI function `pci_slot`; for macvtap on SR-IOV
  std::string vdpa_device;  // "/dev/vhost-vdpa-0"
};
inline constexpr const char* kLibvirtNetworkVif = "libvirt_network";

// What every kind of block device may say about itself; "" and empty: nothing said.
struct BlockDevice {
  std::string device_name;  // "/dev/vdb"; a volume's mount_device
  std::string device_type, disk_bus, guest_format;
  std::optional<int> boot_index;
};

// Cinder's connection_info, connected: `device_path` is final.
struct VolumeConnection {
  std::string driver_volume_type;  // "iscsi", "rbd", "nfs"...
  std::string serial;              // the volume's id; "" = none
  bool multiattach = false;
  std::string device_path, name;
  std::string format;  // of a file; "" = raw
  std::vector<std::string> hosts, ports;
  bool auth_enabled = false;
  std::string auth_username, secret_type;
  std::optional<std::string> secret_uuid;
  std::string access_mode;  // "ro", "rw" or ""
  bool discard = false;
  std::map<std::string, std::string> qos_specs;
  std::string logical_block_size, physical_block_size;
  std::string encryption_secret;  // libvirt's secret of a LUKS volume; "" = not encrypted
};

struct VolumeDevice {
  BlockDevice device;
  VolumeConnection connection;
};

// Nova's block_device_info.
struct BlockDevices {
  std::string root_device_name;
  std::optional<BlockDevice> image;  // a root disk of the image that was named as such
  std::vector<BlockDevice> ephemerals;
  std::optional<BlockDevice> swap;  // named; else the flavor's swap is placed
  std::vector<VolumeDevice> volumes;
};

struct Rescue {
  bool kernel = false, ramdisk = false;  // the rescue image has its own
  // Set: the rescue disk is added to the guest as it is (stable device rescue). Empty: the guest is
  // made anew around it.
  std::optional<hardware::ImageProps> stable;
};

struct Vpmem {
  std::string device_path;
  std::int64_t size_bytes = 0, align_bytes = 0;
};

struct GuestInput {
  model::InstanceSpec instance;
  std::string os_type;                   // "linux", "windows" or ""
  std::string vm_mode;                   // "" = hvm
  bool kernel = false, ramdisk = false;  // direct kernel boot
  Uuid image_id;                         // empty: started from a volume
  std::string image_disk_format;         // "iso" is started from a CD-ROM
  hardware::ImageProps image;
  model::Flavor flavor;
  bool config_drive = false;  // wanted, forced or demanded by the image
  std::vector<Vif> vifs;
  BlockDevices block_devices;
  std::optional<Rescue> rescue;
  std::vector<std::string> pci_devices;  // of the flavor's aliases: "0000:05:00.0"
  std::vector<std::string> mdevs;        // uuids of mediated devices
  std::vector<Vpmem> vpmems;
  std::optional<hardware::InstanceNumaTopology> numa;   // fitted: cells are the host's
  std::optional<hardware::HostNumaTopology> host_numa;  // empty: libvirt reports none
  std::string vtpm_secret;           // uuid of libvirt's secret; "" = none was made
  std::vector<int> serial_ports;     // TCP ports taken for serial consoles
  std::int64_t libvirt_version = 0;  // a * 1'000'000 + b * 1'000 + c
  // Ours: the owner tag, and the cached image under the root disk.
  std::optional<core::OwnerTag> owner;
  std::optional<core::CachedImage> base;
};

}  // namespace kilonova::agent::guest
