// SPDX-License-Identifier: Apache-2.0
// A guest's devices, in libvirt's terms. Words ("virtio", "cdrom") are libvirt's own; "" and empty
// mean that the attribute or element is left to libvirt. `iommu` is the driver's, for devices whose
// memory is encrypted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/core/image_store.h"

namespace kilonova::agent::guest {

// Limits by libvirt's element name ("read_bytes_sec"); digits only.
using IoTune = std::map<std::string, std::string>;

struct DiskAuth {
  std::string username, secret_type, secret_uuid;
};

struct NetworkSource {
  std::string protocol, name;                              // "rbd", "pool/volume"
  std::vector<std::pair<std::string, std::string>> hosts;  // name, port
};

struct DiskDevice {
  std::string source_type = "file";  // "file", "block" or "network"
  std::string device = "disk";       // "disk", "cdrom", "floppy" or "lun"
  std::string format;                // never empty: QEMU probes nothing
  std::string cache, discard, io;
  std::string path;
  NetworkSource network;
  std::optional<DiskAuth> auth;
  // An overlay's base: the chain ends there. `chain_ends`: the format could have one and has none.
  std::optional<core::CachedImage> base;
  bool chain_ends = false;
  std::string target, bus;  // "vda" on "virtio"
  std::string serial;
  IoTune iotune;
  std::string logical_block_size, physical_block_size;
  bool read_only = false, shareable = false;
  std::string boot_order;
  std::optional<int> unit;  // on SCSI controller 0
  std::string luks_secret;
  bool iommu = false;
};

struct ControllerDevice {
  std::string type;  // "scsi", "usb", "pci", "virtio-serial"
  std::optional<int> index;
  std::string model;
  bool iommu = false;
};

struct PciAddress {
  std::string domain, bus, slot, function;  // hexadecimal without 0x
};

struct Bandwidth {
  std::string average, peak, burst;
};

struct InterfaceDevice {
  std::string type;  // "bridge", "network", "ethernet", "direct", "hostdev", "vhostuser", "vdpa"
  std::string mac, model;
  std::string driver;
  std::optional<std::int64_t> queues, rx_queue_size, tx_queue_size;
  std::string source;               // bridge, network, device
  std::string source_mode;          // of "direct" and "vhostuser"
  PciAddress address;               // of "hostdev"
  std::string vlan;                 // of "direct" and "hostdev"
  std::optional<std::int64_t> mtu;  // of "bridge", "network" and "ethernet"
  std::string target;               // the tap
  std::string virtual_port;         // "openvswitch", "802.1Qbh"...
  std::vector<std::pair<std::string, std::string>> virtual_port_parameters;
  std::string filter;  // libvirt nwfilter
  std::optional<Bandwidth> inbound, outbound;
  bool iommu = false;
};

struct HostPciDevice {
  PciAddress address;
};

struct MdevDevice {
  std::string uuid;
};

struct SerialDevice {
  std::string type = "pty";  // or "tcp"
  std::string host;
  int port = 0;
  std::string log;  // a path
};

struct ChannelDevice {
  std::string type;  // "unix" or "spicevmc"
  std::string path, target;
};

struct GraphicsDevice {
  std::string type, listen;
};

struct VideoDevice {
  std::string model;
  std::int64_t vram_kib = 0;
  bool iommu = false;
};

struct InputDevice {
  std::string type, bus;
};

struct RngDevice {
  std::int64_t rate_bytes = 0, rate_period_ms = 0;  // both or no limit
  std::string backend;
  bool iommu = false;
};

struct TpmDevice {
  std::string model, version, secret;
};

struct WatchdogDevice {
  std::string action;
};

struct BalloonDevice {
  int stats_period = 0;
  bool iommu = false;
};

struct VpmemDevice {
  std::string path;
  std::int64_t size_kib = 0, align_kib = 0;
};

struct IommuDevice {
  std::string model;
  std::optional<int> aw_bits;
  bool eim = false;
};

using Device =
    std::variant<DiskDevice, ControllerDevice, InterfaceDevice, HostPciDevice, MdevDevice,
                 SerialDevice, ChannelDevice, GraphicsDevice, VideoDevice, InputDevice, RngDevice,
                 TpmDevice, WatchdogDevice, BalloonDevice, VpmemDevice, IommuDevice>;

}  // namespace kilonova::agent::guest
