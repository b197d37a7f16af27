// SPDX-License-Identifier: Apache-2.0
// What this machine can give a guest, as libvirt, QEMU's firmware descriptors and the kernel say.
// Filled once per connection by agent/adapters/libvirt; agent/guest describes guests from it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kilonova::agent::core {

// A file of /usr/share/qemu/firmware or /etc/qemu/firmware: QEMU's own description of a firmware.
struct FirmwareTarget {
  std::string architecture;
  std::vector<std::string> machines;  // globs over canonical machine types: "pc-q35-*"
};

struct FirmwareDescriptor {
  std::string executable, nvram_template;  // absolute paths
  std::vector<FirmwareTarget> targets;
  std::vector<std::string> features;  // "secure-boot", "requires-smm", "enrolled-keys"...
};

struct SevCapability {
  std::int64_t cbitpos = 0, reduced_phys_bits = 0;
};

// libvirt's domain capabilities of one machine type.
struct MachineCapabilities {
  bool uefi = false;         // the loader's type enumeration has pflash
  bool secure_boot = false;  // the loader's secure enumeration has yes
  std::optional<SevCapability> sev;
  std::set<std::string> video_models;  // "virtio", "vga"...
};

struct HostPages {
  std::int64_t size_kib = 0, total = 0;
};

struct HostCpu {
  int id = 0, socket = 0, core = 0;
  std::set<int> siblings;  // itself among them
};

// A NUMA node of libvirt's capabilities (host/topology/cells).
struct HostCell {
  int id = 0;
  std::int64_t memory_kib = 0;
  std::vector<HostPages> pages;  // sorted by size
  std::vector<HostCpu> cpus;
};

struct GuestCapabilities {
  std::string host_uuid;   // capabilities: host/uuid, of SMBIOS or libvirtd.conf
  std::string machine_id;  // /etc/machine-id written as a uuid; "" = there is none
  // capabilities: every guest/arch/machine of any architecture, aliases ("pc") among them.
  std::set<std::string> machine_types;
  // By guest architecture: the canonical name of each machine type, canonical names included.
  std::map<std::string, std::map<std::string, std::string>> canonical_machines;
  std::vector<std::string> cpu_models;  // virConnectGetCPUModelNames of the host's architecture
  // Features of a model (virConnectBaselineCPU, expanded); only of models the host is configured to
  // choose from.
  std::map<std::string, std::set<std::string>> cpu_model_features;
  // Domain capabilities of the host's architecture, by machine type, aliases included.
  std::map<std::string, MachineCapabilities> machines;
  bool amd_sev = false;     // libvirt offers it and kvm_amd's parameter sev is on
  bool cpu_control = true;  // cgroups have a cpu controller: shares, period and quota can be set
  std::vector<HostCell> cells;  // empty: libvirt reports no topology
  std::set<int> online_cpus;
  std::vector<FirmwareDescriptor> firmware;  // in the order of directories, then file names
  int kernel_major = 6;                      // of uname: how many queues a tap may have
  bool rng_device = true;                    // the configured rng_dev_path exists
};

}  // namespace kilonova::agent::core
