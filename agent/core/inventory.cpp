// SPDX-License-Identifier: Apache-2.0
#include "agent/core/inventory.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "agent/core/cpu_traits.h"
#include "agent/core/host_topology.h"
#include "agent/core/instance_files.h"

namespace kilonova::agent::core {
namespace {

constexpr std::int64_t kGiB = 1024LL * 1024 * 1024;

// What an image may be for this agent to boot it, and the NIC and disk it gives to a guest.
constexpr std::array<std::string_view, 7> kServedTraits = {
    "COMPUTE_IMAGE_TYPE_AKI",    "COMPUTE_IMAGE_TYPE_AMI", "COMPUTE_IMAGE_TYPE_ARI",
    "COMPUTE_IMAGE_TYPE_QCOW2",  "COMPUTE_IMAGE_TYPE_RAW", "COMPUTE_NET_VIF_MODEL_VIRTIO",
    "COMPUTE_STORAGE_BUS_VIRTIO"};

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
  if (facts.memory_mb > 0) {
    inventories.emplace(model::kMemoryMb, Of(facts.memory_mb, settings.reserved_host_memory_mb,
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
  if (usage.disk_total_gb > 0) {
    const std::int64_t reserved_gb = (settings.reserved_host_disk_mb + 1023) / 1024;
    inventories.emplace(model::kDiskGb,
                        Of(usage.disk_total_gb, reserved_gb, settings.disk_allocation_ratio));
  }
  return inventories;
}

model::Resources ResourcesWanted(const model::Flavor& flavor,
                                 const std::optional<hardware::InstanceNumaTopology>& numa,
                                 const model::Inventories& inventories) {
  model::Resources wanted = model::ResourcesOf(flavor);
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
  report.traits = CpuTraits(facts.cpu_features);
  report.traits.insert(report.traits.end(), kServedTraits.begin(), kServedTraits.end());
  if (facts.swtpm) {
    report.traits.emplace_back("COMPUTE_SECURITY_TPM_1_2");
    report.traits.emplace_back("COMPUTE_SECURITY_TPM_2_0");
  }
  if (std::ranges::any_of(facts.guests.machines,
                          [](const auto& machine) { return machine.second.secure_boot; })) {
    report.traits.emplace_back("COMPUTE_SECURITY_UEFI_SECURE_BOOT");
  }
  if (facts.threads > 1) report.traits.emplace_back("HW_CPU_HYPERTHREADING");
  std::ranges::sort(report.traits);
  report.supported_instances = facts.supported_instances;
  report.inventories = MakeInventories(settings, facts, usage);
  report.free_disk_gb = usage.disk_free_gb;
  report.free_memory_mb = usage.memory_free_mb;
  report.availability_zone = settings.availability_zone;
  return report;
}

}  // namespace kilonova::agent::core
