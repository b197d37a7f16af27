// SPDX-License-Identifier: Apache-2.0
#include "agent/core/inventory.h"

#include <fnmatch.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>

#include "agent/core/cpu_traits.h"
#include "agent/core/host_topology.h"
#include "agent/core/instance_files.h"
#include "agent/core/mdev_providers.h"

namespace kilonova::agent::core {
namespace {

constexpr std::int64_t kGiB = 1024LL * 1024 * 1024;

// Of the traits Nova's libvirt driver gives a host only those of what this agent gives a guest: a
// trait attracts the guests that require it, and here their builds would be refused. So there is
// nothing for volumes, attaching, tagged devices or accelerators. guest/features.cpp is the judge.
constexpr std::array<std::string_view, 19> kServedTraits = {
    "COMPUTE_IMAGE_TYPE_AKI",           "COMPUTE_IMAGE_TYPE_AMI",
    "COMPUTE_IMAGE_TYPE_ARI",           "COMPUTE_IMAGE_TYPE_ISO",
    "COMPUTE_IMAGE_TYPE_QCOW2",         "COMPUTE_IMAGE_TYPE_RAW",
    "COMPUTE_NET_VIF_MODEL_E1000",      "COMPUTE_NET_VIF_MODEL_E1000E",
    "COMPUTE_NET_VIF_MODEL_NE2K_PCI",   "COMPUTE_NET_VIF_MODEL_PCNET",
    "COMPUTE_NET_VIF_MODEL_RTL8139",    "COMPUTE_NET_VIF_MODEL_VIRTIO",
    "COMPUTE_NET_VIF_MODEL_VMXNET3",    "COMPUTE_NODE",
    "COMPUTE_SOCKET_PCI_NUMA_AFFINITY", "COMPUTE_STORAGE_BUS_SATA",
    "COMPUTE_STORAGE_BUS_SCSI",         "COMPUTE_STORAGE_BUS_USB",
    "COMPUTE_STORAGE_BUS_VIRTIO"};

// libvirt must offer it, and there must be a firmware for a machine that can have it: of x86 only
// q35 can.
bool ServesSecureBoot(const HostFacts& facts) {
  const GuestCapabilities& guests = facts.guests;
  const auto offers = [&](bool MachineCapabilities::*what) {
    return std::ranges::any_of(guests.machines,
                               [what](const auto& machine) { return machine.second.*what; });
  };
  const auto machines = guests.canonical_machines.find(facts.arch);
  if (machines == guests.canonical_machines.end() || !offers(&MachineCapabilities::uefi) ||
      !offers(&MachineCapabilities::secure_boot)) {
    return false;
  }
  const auto is_target = [&](const FirmwareTarget& target) {
    if (target.architecture != facts.arch) return false;
    return std::ranges::any_of(machines->second, [&](const auto& machine) {
      if (facts.arch == "x86_64" && machine.second.find("q35") == std::string::npos) return false;
      return std::ranges::any_of(target.machines, [&](const std::string& glob) {
        return fnmatch(glob.c_str(), machine.second.c_str(), 0) == 0;
      });
    });
  };
  return std::ranges::any_of(guests.firmware, [&](const FirmwareDescriptor& firmware) {
    return std::ranges::find(firmware.features, "secure-boot") != firmware.features.end() &&
           std::ranges::any_of(firmware.targets, is_target);
  });
}

// What the CPUs of guests have here: of some of them, where there are several models.
std::vector<std::string> GuestCpuFeatures(const AgentSettings& settings, const HostFacts& facts) {
  std::set<std::string> features;
  if (settings.cpu_of_models) {
    for (const auto& [model, its] : facts.guests.cpu_model_features) {
      features.insert(its.begin(), its.end());
    }
  } else {
    features.insert(facts.cpu_features.begin(), facts.cpu_features.end());
  }
  for (std::string flag : settings.cpu_model_extra_flags) {
    for (char& c : flag) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool away = flag.starts_with('-');
    flag.erase(0, flag.find_first_not_of("+-"));
    if (away) {
      features.erase(flag);
    } else {
      features.insert(std::move(flag));
    }
  }
  return {features.begin(), features.end()};
}

// Nova's video models that any machine of the host has.
void AddDisplayTraits(const HostFacts& facts, std::vector<std::string>& traits) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kModels = {
      {{"bochs", "COMPUTE_GRAPHICS_MODEL_BOCHS"},
       {"cirrus", "COMPUTE_GRAPHICS_MODEL_CIRRUS"},
       {"gop", "COMPUTE_GRAPHICS_MODEL_GOP"},
       {"none", "COMPUTE_GRAPHICS_MODEL_NONE"},
       {"qxl", "COMPUTE_GRAPHICS_MODEL_QXL"},
       {"vga", "COMPUTE_GRAPHICS_MODEL_VGA"},
       {"virtio", "COMPUTE_GRAPHICS_MODEL_VIRTIO"},
       {"vmvga", "COMPUTE_GRAPHICS_MODEL_VMVGA"},
       {"xen", "COMPUTE_GRAPHICS_MODEL_XEN"}}};
  for (const auto& [model, trait] : kModels) {
    const std::string name(model);
    const bool there = std::ranges::any_of(facts.guests.machines, [&name](const auto& machine) {
      return machine.second.video_models.contains(name);
    });
    if (there) traits.emplace_back(trait);
  }
}

model::Inventory Of(std::int64_t total, std::int64_t reserved, double ratio) {
  model::Inventory inventory;
  inventory.total = total;
  inventory.reserved = reserved;
  inventory.max_unit = total;
  inventory.allocation_ratio = ratio;
  return inventory;
}

}  // namespace

MachineUsage ReadMachineUsage(const Paths& paths) {
  MachineUsage usage;
  struct statvfs fs = {};
  if (statvfs(paths.state_dir.c_str(), &fs) == 0) {
    const auto unit = static_cast<std::int64_t>(fs.f_frsize);
    usage.disk_total_gb = static_cast<std::int64_t>(fs.f_blocks) * unit / kGiB;
    usage.disk_free_gb = static_cast<std::int64_t>(fs.f_bavail) * unit / kGiB;
  }
  std::ifstream meminfo("/proc/meminfo");
  std::string key;
  std::int64_t kib = 0;
  std::string unit;
  while (meminfo >> key >> kib) {
    std::getline(meminfo, unit);
    if (key == "MemAvailable:") {
      usage.memory_free_mb = kib / 1024;
      break;
    }
  }
  return usage;
}

model::Inventories MakeInventories(const AgentSettings& settings, const HostFacts& facts,
                                   const MachineUsage& usage) {
  model::Inventories inventories;
  // Placement refuses an inventory of nothing.
  const std::int64_t memory_mb =
      settings.file_backed_memory_mb > 0 ? settings.file_backed_memory_mb : facts.memory_mb;
  if (memory_mb > 0) {
    inventories.emplace(model::kMemoryMb, Of(memory_mb, settings.reserved_host_memory_mb,
                                             settings.ram_allocation_ratio));
  }
  // None of either while the configured sets do not fit the machine.
  const auto cpus = CpusOf(settings, facts);
  if (cpus.ok() && !cpus->shared.Empty()) {
    inventories.emplace(model::kVcpu,
                        Of(static_cast<std::int64_t>(cpus->shared.Size()),
                           settings.reserved_host_cpus, settings.cpu_allocation_ratio));
  }
  if (cpus.ok() && !cpus->dedicated.Empty()) {
    inventories.emplace(model::kPcpu,
                        Of(static_cast<std::int64_t>(cpus->dedicated.Size()), 0, 1.0));
  }
  if (usage.disk_total_gb > 0 && !settings.shared_disk) {
    const std::int64_t reserved_gb = (settings.reserved_host_disk_mb + 1023) / 1024;
    inventories.emplace(model::kDiskGb,
                        Of(usage.disk_total_gb, reserved_gb, settings.disk_allocation_ratio));
  }
  const std::int64_t slots = settings.num_memory_encrypted_guests.value_or(INT32_MAX);
  if (facts.guests.amd_sev && slots > 0) {
    auto& encrypted = inventories[std::string(kMemEncryptionContext)] = Of(slots, 0, 1.0);
    encrypted.max_unit = 1;
  }
  return inventories;
}

model::Resources ResourcesWanted(const model::Flavor& flavor,
                                 const std::optional<hardware::InstanceNumaTopology>& numa,
                                 bool encrypted, const model::Inventories& inventories) {
  model::Resources wanted = model::ResourcesOf(flavor);
  if (encrypted) wanted[std::string(kMemEncryptionContext)] = 1;
  if (!numa) return wanted;
  std::int64_t pinned = 0;
  for (const hardware::InstanceNumaCell& cell : numa->cells) {
    pinned += static_cast<std::int64_t>(cell.pcpuset.Size());
  }
  const std::string vcpu(model::kVcpu);
  const std::string pcpu(model::kPcpu);
  if (pinned == 0 || inventories.find(pcpu) == inventories.end()) return wanted;
  wanted[vcpu] -= pinned;
  if (wanted[vcpu] <= 0) wanted.erase(vcpu);
  if (numa->emulator_threads_policy == hardware::EmulatorThreadsPolicy::kIsolate) ++pinned;
  wanted[pcpu] += pinned;
  return wanted;
}

Expected<std::vector<hardware::PciRequest>> PciRequestsOf(const model::BuildRequest& build) {
  std::vector<hardware::PciRequest> requests;
  for (const model::PciDeviceRequest& from : build.pci_requests) {
    hardware::PciRequest& to = requests.emplace_back();
    to.count = from.count;
    to.alias_name = from.alias_name;
    to.request_id = from.request_id;
    const auto policy = hardware::PciNumaPolicyFrom(from.numa_policy);
    if (!policy) {
      return Error(Code::kInvalidArgument, reason::kObjectInvalid,
                   "a PCI request has no such NUMA policy", {{"field", "pci_requests"}});
    }
    to.numa_policy = *policy;
    for (const auto& properties : from.spec) {
      to.spec.emplace_back(properties.begin(), properties.end());
    }
  }
  return requests;
}

std::vector<model::PciPool> PoolsOf(const hardware::PciStats& free) {
  std::vector<model::PciPool> pools;
  for (const hardware::PciDevicePool& from : free.Pools()) {
    model::PciPool& to = pools.emplace_back();
    to.vendor_id = from.vendor_id;
    to.product_id = from.product_id;
    to.numa_node = from.numa_node.value_or(-1);
    to.count = from.count;
    for (const auto& [name, value] : from.tags) to.tags[name] = value.value_or("");
  }
  return pools;
}

std::string CpuInfoJson(const HostFacts& facts) {
  std::string json = "{\"arch\": " + JsonQuote(facts.arch) +
                     ", \"model\": " + JsonQuote(facts.cpu_model) +
                     ", \"vendor\": " + JsonQuote(facts.cpu_vendor) +
                     ", \"topology\": {\"cells\": " + std::to_string(facts.cells) +
                     ", \"sockets\": " + std::to_string(facts.sockets) +
                     ", \"cores\": " + std::to_string(facts.cores) +
                     ", \"threads\": " + std::to_string(facts.threads) + "}, \"features\": [";
  for (const std::string& feature : facts.cpu_features) {
    if (json.back() != '[') json += ", ";
    json += JsonQuote(feature);
  }
  return json + "]}";
}

model::HostReport MakeHostReport(const AgentSettings& settings, const HostFacts& facts,
                                 const MachineUsage& usage) {
  model::HostReport report;
  report.host = settings.host;
  report.hypervisor_hostname = facts.hostname;
  report.hypervisor_type = "QEMU";
  report.hypervisor_version = facts.hypervisor_version;
  report.libvirt_version = facts.libvirt_version;
  report.virt_type = facts.virt_type;
  report.cpu_arch = facts.arch;
  report.cpu_model = facts.cpu_model;
  report.cpu_vendor = facts.cpu_vendor;
  report.cpu_info = CpuInfoJson(facts);
  report.traits = CpuTraits(GuestCpuFeatures(settings, facts));
  report.traits.insert(report.traits.end(), kServedTraits.begin(), kServedTraits.end());
  if (ServesSecureBoot(facts)) {
    report.traits.emplace_back("COMPUTE_SECURITY_UEFI_SECURE_BOOT");
  }
  if (settings.displays) AddDisplayTraits(facts, report.traits);
  if (settings.swtpm_enabled && facts.swtpm) {
    report.traits.emplace_back("COMPUTE_SECURITY_TPM_1_2");
    report.traits.emplace_back("COMPUTE_SECURITY_TPM_2_0");
  }
  if (facts.arch == "x86_64") {
    report.traits.emplace_back("COMPUTE_STORAGE_BUS_IDE");
    report.traits.emplace_back("COMPUTE_VIOMMU_MODEL_AUTO");
    report.traits.emplace_back("COMPUTE_VIOMMU_MODEL_INTEL");
    // libvirt describes it since 8.3.0.
    if (facts.libvirt_version >= 8003000) {
      report.traits.emplace_back("COMPUTE_VIOMMU_MODEL_VIRTIO");
    }
  }
  if (facts.guests.amd_sev) report.traits.emplace_back("HW_CPU_X86_AMD_SEV");
  if (facts.threads > 1) report.traits.emplace_back("HW_CPU_HYPERTHREADING");
  std::ranges::sort(report.traits);
  report.supported_instances = facts.supported_instances;
  report.inventories = MakeInventories(settings, facts, usage);
  report.nested = MdevProviders(settings.mdev_types, facts.mdevs, facts.hostname);
  report.free_disk_gb = usage.disk_free_gb;
  report.free_memory_mb = usage.memory_free_mb;
  report.availability_zone = settings.availability_zone;
  return report;
}

}  // namespace kilonova::agent::core
