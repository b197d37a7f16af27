// SPDX-License-Identifier: Apache-2.0
// What a host decides about all of its guests: Nova's options under Nova's names, with Nova's
// defaults unless a comment says otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/paths.h"
#include "common/hardware/cpu_set.h"

namespace kilonova::agent::guest {

// Consoles. Nova offers VNC by default; here nothing is offered that nobody can reach.
struct ConsoleConfig {
  bool vnc_enabled = false;
  std::string vnc_listen = "127.0.0.1";
  bool spice_enabled = false;
  bool spice_agent_enabled = true;
  std::string spice_listen = "127.0.0.1";
  bool serial_enabled = false;  // TCP serial ports instead of a pty
  std::string serial_address = "127.0.0.1";
  std::string pointer_model = "usbtablet";  // or "ps2mouse"
};

struct DiskConfig {
  // "qcow2" ("default" in Nova), "flat" or "raw".
  std::string images_type = "qcow2";
  // "none" where the file system takes O_DIRECT, "writeback" where it does not: Nova's rule; the
  // caller has tried it once on the instances' directory.
  std::string cache = "none";
  std::map<std::string, std::string> cachemodes;  // by source type: {"file": "writeback"}
  std::string discard;                            // hw_disk_discard: "ignore", "unmap" or ""
  bool preallocate = false;                       // preallocate_images = space
  std::string prefix;                             // disk_prefix; "" = by bus
  std::int64_t max_devices = -1;                  // max_disk_devices_to_attach; -1 = no limit
  std::string config_drive_format = "iso9660";    // or "vfat"
  bool read_only_config_drive = true;             // a CD-ROM says so; Nova leaves it open
  std::string rbd_user, rbd_secret_uuid;          // of volumes whose own authentication is off
};

struct CpuConfig {
  // "host-model", "host-passthrough", "maximum", "custom" (with models) or "none"; "" = Nova's
  // default, host-model.
  std::string mode;
  std::vector<std::string> models;
  std::vector<std::string> extra_flags;                       // "pcid", "+aes", "-svm"
  std::optional<hardware::CpuSet> shared_set, dedicated_set;  // [compute]; empty: not configured
  int realtime_priority = 1;                                  // realtime_scheduler_priority
};

struct GuestConfig {
  std::string host;   // this host's name: the owner tag of every domain
  core::Paths paths;  // where disks, kernels and console logs are

  std::string virt_type = "qemu";  // "kvm" or "qemu": HostFacts.virt_type
  std::string arch = "x86_64";     // HostFacts.arch
  std::string emulator;            // absolute path; "" = libvirt's choice
  // hw_machine_type by architecture, when the image names none; missing = Nova's: "pc" on x86_64.
  std::map<std::string, std::string> machine_types;
  CpuConfig cpu;
  DiskConfig disk;
  ConsoleConfig console;
  bool force_config_drive = false;
  // libvirt's no-mac-spoofing filter on every NIC on a bridge; needs libvirt's nwfilter. Nova
  // leaves it to the network's agent.
  bool lock_mac = true;
  bool use_virtio_for_bridges = true;
  std::optional<int> rx_queue_size, tx_queue_size;
  std::optional<int> max_queues;
  int memory_stats_period = 10;  // mem_stats_period_seconds; 0 = no statistics
  bool file_backed_memory = false;
  bool swtpm_enabled = false;  // guests may have an emulated TPM
  int num_pcie_ports = 0;
  std::string rng_dev_path = "/dev/urandom";  // "" = libvirt's choice
  bool disable_apic = false;                  // [workarounds] libvirt_disable_apic
  std::vector<std::string> perf_events;       // enabled_perf_events libvirt knows

  // SMBIOS. cloud-init's ds-identify knows an OpenStack guest by the product name.
  std::string vendor = "OpenStack Foundation";
  std::string product = "OpenStack Nova";
  std::string package_version = "26.2.2";
  std::string sysinfo_serial = "unique";  // "none", "os", "hardware", "auto" or "unique"

  std::string default_availability_zone = "nova";  // written where none was asked for
  std::string dhcp_domain = "novalocal";           // after the hostname, as Nova does; "" = nothing
  std::string vendor_data = "{}";                  // JSON object, as vendor_data.json
  bool metadata_admin_pass = true;  // admin_pass in the config drive's meta_data.json
};

}  // namespace kilonova::agent::guest
