// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/features.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "agent/guest/text.h"
#include "common/hardware/pci_alias.h"
#include "common/hardware/pci_alias_spec.h"

namespace kilonova::agent::guest {
namespace {

enum class Takes {
  kAnything,   // no effect on a guest here, or none yet that could be seen
  kFlag,       // served, both ways
  kOnlyFalse,  // the feature is not served; saying "off" is
  kNumber,     // served, 0 and more
  kPositive,   // served, 1 and more
  kWords,      // served with the words listed
  kNothing,    // not served
};

struct Key {
  std::string_view name;  // a trailing * stands for any ending
  Takes takes;
  std::string_view words = {};  // space separated, for kWords
};

// Flavor extra specs. Names without a namespace and the namespaces below with kAnything decide
// where a guest goes, not what it is.
constexpr Key kExtraSpecs[] = {
    {"hw:cpu_sockets", Takes::kPositive},
    {"hw:cpu_cores", Takes::kPositive},
    {"hw:cpu_threads", Takes::kPositive},
    {"hw:cpu_max_sockets", Takes::kPositive},
    {"hw:cpu_max_cores", Takes::kPositive},
    {"hw:cpu_max_threads", Takes::kPositive},
    {"hw:cpu_policy", Takes::kWords, "shared dedicated mixed"},
    {"hw:cpu_thread_policy", Takes::kWords, "prefer isolate require"},
    {"hw:cpu_dedicated_mask", Takes::kAnything},  // judged with the policy
    {"hw:emulator_threads_policy", Takes::kWords, "share isolate"},
    {"hw:numa_nodes", Takes::kPositive},
    {"hw:numa_cpus.*", Takes::kAnything},  // judged as a whole
    {"hw:numa_mem.*", Takes::kAnything},
    {"hw:mem_page_size", Takes::kAnything},  // a size or a wish, judged with the host's
    {"hw:boot_menu", Takes::kFlag},
    {"hw:hide_hypervisor_id", Takes::kFlag},
    {"hide_hypervisor_id", Takes::kFlag},
    {"hw:pmu", Takes::kFlag},
    {"hw:locked_memory", Takes::kFlag},
    {"hw:mem_encryption", Takes::kFlag},  // judged with the host
    {"hw:ephemeral_encryption", Takes::kOnlyFalse},
    {"hw:vif_multiqueue_enabled", Takes::kFlag},
    {"hw:cpu_realtime", Takes::kFlag},
    {"hw:cpu_realtime_mask", Takes::kAnything},  // judged with the policy
    {"hw:serial_port_count", Takes::kPositive},
    {"hw:tpm_version", Takes::kWords, "1.2 2.0"},
    {"hw:tpm_model", Takes::kWords, "tpm-tis tpm-crb"},
    {"hw:pci_numa_affinity_policy", Takes::kWords, "required legacy preferred socket"},
    {"hw:watchdog_action", Takes::kWords, "disabled none pause poweroff reset"},
    {"hw:viommu_model", Takes::kWords, "auto intel virtio"},
    {"hw_rng:allowed", Takes::kFlag},
    {"hw_rng:rate_bytes", Takes::kNumber},
    {"hw_rng:rate_period", Takes::kNumber},
    {"hw_video:ram_max_mb", Takes::kAnything},  // judged with the image's wish
    {"os:secure_boot", Takes::kWords, "disabled optional required"},
    {"hw:*", Takes::kNothing},
    {"hw_rng:*", Takes::kNothing},
    {"hw_video:*", Takes::kNothing},
    {"quota:cpu_shares", Takes::kNumber},
    {"quota:cpu_period", Takes::kNumber},
    {"quota:cpu_quota", Takes::kNumber},
    {"quota:disk_read_bytes_sec", Takes::kNumber},
    {"quota:disk_read_iops_sec", Takes::kNumber},
    {"quota:disk_write_bytes_sec", Takes::kNumber},
    {"quota:disk_write_iops_sec", Takes::kNumber},
    {"quota:disk_total_bytes_sec", Takes::kNumber},
    {"quota:disk_total_iops_sec", Takes::kNumber},
    {"quota:vif_inbound_average", Takes::kPositive},
    {"quota:vif_inbound_peak", Takes::kPositive},
    {"quota:vif_inbound_burst", Takes::kPositive},
    {"quota:vif_outbound_average", Takes::kPositive},
    {"quota:vif_outbound_peak", Takes::kPositive},
    {"quota:vif_outbound_burst", Takes::kPositive},
    {"quota:*", Takes::kNothing},
    {"os:*", Takes::kNothing},
    {"pci_passthrough:alias", Takes::kAnything},  // by the request's own list of devices
    {"pci_passthrough:*", Takes::kNothing},
    {"accel:*", Takes::kNothing},
};

// Image properties, by Nova's names and its older ones.
constexpr Key kImageProperties[] = {
    {"hw_disk_bus", Takes::kWords, "virtio scsi sata ide usb"},
    {"hw_cdrom_bus", Takes::kWords, "scsi sata ide usb"},
    {"hw_scsi_model", Takes::kWords, "virtio-scsi lsilogic"},
    {"hw_machine_type", Takes::kAnything},  // judged with the architecture
    {"hw_vif_model", Takes::kWords, "virtio e1000 e1000e ne2k_pci pcnet rtl8139 vmxnet3"},
    {"hw_rng_model", Takes::kWords, "virtio"},
    {"hw_firmware_type", Takes::kWords, "bios uefi"},
    {"hw_viommu_model", Takes::kWords, "auto intel virtio"},
    {"hw_vm_mode", Takes::kWords, "hvm"},
    {"vm_mode", Takes::kWords, "hvm"},
    {"hw_architecture", Takes::kAnything},  // judged with the host's
    {"hw_emulation_architecture", Takes::kNothing},
    {"hw_cpu_sockets", Takes::kPositive},
    {"hw_cpu_cores", Takes::kPositive},
    {"hw_cpu_threads", Takes::kPositive},
    {"hw_cpu_max_sockets", Takes::kPositive},
    {"hw_cpu_max_cores", Takes::kPositive},
    {"hw_cpu_max_threads", Takes::kPositive},
    {"hw_cpu_policy", Takes::kWords, "shared dedicated mixed"},
    {"hw_cpu_thread_policy", Takes::kWords, "prefer isolate require"},
    {"hw_emulator_threads_policy", Takes::kWords, "share isolate"},
    {"hw_numa_nodes", Takes::kPositive},
    {"hw_numa_cpus.*", Takes::kAnything},
    {"hw_numa_mem.*", Takes::kAnything},
    {"hw_mem_page_size", Takes::kAnything},
    {"hw_boot_menu", Takes::kFlag},
    {"hw_time_hpet", Takes::kFlag},
    {"hw_pmu", Takes::kFlag},
    {"hw_locked_memory", Takes::kFlag},
    {"hw_mem_encryption", Takes::kFlag},
    {"hw_cpu_realtime_mask", Takes::kAnything},
    {"hw_ephemeral_encryption", Takes::kOnlyFalse},
    {"hw_vif_multiqueue_enabled", Takes::kFlag},
    {"hw_qemu_guest_agent", Takes::kFlag},
    {"hw_serial_port_count", Takes::kPositive},
    {"hw_tpm_version", Takes::kWords, "1.2 2.0"},
    {"hw_tpm_model", Takes::kWords, "tpm-tis tpm-crb"},
    {"hw_pci_numa_affinity_policy", Takes::kWords, "required legacy preferred socket"},
    {"hw_watchdog_action", Takes::kWords, "disabled none pause poweroff reset"},
    // Of displays, which a guest has where vnc or spice is enabled.
    {"hw_video_model", Takes::kAnything},
    {"hw_video_ram", Takes::kAnything},
    {"hw_pointer_model", Takes::kAnything},
    {"hw_input_bus", Takes::kAnything},
    // For other hypervisors, or for rescue, which names its own device.
    {"hw_disk_type", Takes::kAnything},
    {"hw_auto_disk_config", Takes::kAnything},
    {"hw_device_id", Takes::kAnything},
    {"hw_floppy_bus", Takes::kAnything},
    {"hw_ipxe_boot", Takes::kAnything},
    {"hw_rescue_bus", Takes::kAnything},
    {"hw_rescue_device", Takes::kAnything},
    {"hw_*", Takes::kNothing},
    {"img_hide_hypervisor_id", Takes::kFlag},
    {"img_config_drive", Takes::kWords, "mandatory optional"},
    {"img_block_device_mapping", Takes::kWords, "[]"},
    {"block_device_mapping", Takes::kWords, "[]"},
    {"img_mappings", Takes::kWords, "[]"},
    {"mappings", Takes::kWords, "[]"},
    {"os_type", Takes::kWords, "linux windows"},
    {"os_secure_boot", Takes::kWords, "disabled optional required"},
    {"os_require_quiesce", Takes::kOnlyFalse},
};

// Classes whose resources are devices of the guest.
constexpr std::string_view kDeviceClasses[] = {
    "VGPU_DISPLAY_HEAD",    "PCPU", "PCI_DEVICE", "SRIOV_NET_VF", "MEM_ENCRYPTION_CONTEXT",
    "CUSTOM_PMEM_NAMESPACE"};

const Key* Find(std::span<const Key> keys, std::string_view name) {
  const auto at = std::ranges::find_if(keys, [name](const Key& key) {
    if (key.name.ends_with('*')) return name.starts_with(key.name.substr(0, key.name.size() - 1));
    return key.name == name;
  });
  return at == keys.end() ? nullptr : &*at;
}

struct Refusal {
  std::string_view what;  // "the flavor's extra spec"
  Reason invalid;
};

Status NotServed(const Refusal& refusal, const std::string& key, const std::string& value) {
  return Error(Code::kFailedPrecondition, reason::kFeatureNotServed,
               std::string(refusal.what) + " " + Printable(key) + "=" + Printable(value) +
                   " asks for a feature that is not served",
               {{"key", Printable(key)}, {"value", Printable(value)}});
}

Status Invalid(const Refusal& refusal, const std::string& key, const std::string& value) {
  return Error(Code::kInvalidArgument, refusal.invalid,
               std::string(refusal.what) + " " + Printable(key) + " cannot be " + Printable(value),
               {{"key", Printable(key)}, {"value", Printable(value)}});
}

Status CheckKey(const Key& key, const Refusal& refusal, const std::string& name,
                const std::string& value) {
  switch (key.takes) {
    case Takes::kAnything:
      return OkStatus();
    case Takes::kFlag:
      return ParseFlag(value) ? OkStatus() : Invalid(refusal, name, value);
    case Takes::kOnlyFalse:
      if (const auto flag = ParseFlag(value); flag && !*flag) return OkStatus();
      return NotServed(refusal, name, value);
    case Takes::kNumber:
    case Takes::kPositive: {
      const auto number = ParseNumber(value);
      const long long least = key.takes == Takes::kPositive ? 1 : 0;
      return number && *number >= least ? OkStatus() : Invalid(refusal, name, value);
    }
    case Takes::kWords:
      return HasWord(key.words, value) ? OkStatus() : NotServed(refusal, name, value);
    case Takes::kNothing:
      return NotServed(refusal, name, value);
  }
  return NotServed(refusal, name, value);
}

Status CheckResourceSpec(const Refusal& refusal, const std::string& name,
                         const std::string& value) {
  const auto colon = name.find(':');
  if (!name.starts_with("resources") || colon == std::string::npos) return OkStatus();
  const std::string_view resource = std::string_view(name).substr(colon + 1);
  const auto number = ParseNumber(value);
  if (number && *number == 0) return OkStatus();
  if (resource == "VGPU") return number && *number > 0 ? OkStatus() : Invalid(refusal, name, value);
  const bool device = std::ranges::any_of(
      kDeviceClasses, [resource](std::string_view prefix) { return resource.starts_with(prefix); });
  return device ? NotServed(refusal, name, value) : OkStatus();
}

// What devices an alias stands for only the request says; but a message is not to have others than
// its flavor, which was compared with the template.
Status CheckPciRequests(const Refusal& refusal, const model::BuildRequest& request) {
  std::vector<hardware::PciAliasAsked> named;
  if (const auto alias = request.flavor.extra_specs.find(std::string(hardware::kPciAliasSpec));
      alias != request.flavor.extra_specs.end()) {
    if (request.pci_requests.empty()) return NotServed(refusal, alias->first, alias->second);
    ASSIGN_OR_RETURN(named, hardware::ReadPciAliasSpec(alias->second));
  }
  std::vector<hardware::PciAliasAsked> asked;
  for (const auto& each : request.pci_requests) asked.push_back({each.alias_name, each.count});
  if (asked == named) return OkStatus();
  return Error(Code::kInvalidArgument, reason::kObjectInvalid,
               "the message asks for other PCI devices than its flavor's aliases",
               {{"field", "pci_requests"}});
}

}  // namespace

Status CheckServed(const model::BuildRequest& request) {
  const Refusal flavor{"the flavor's extra spec", reason::kFlavorInvalid};
  for (const auto& [name, value] : request.flavor.extra_specs) {
    RETURN_IF_ERROR(CheckResourceSpec(flavor, name, value));
    if (const Key* key = Find(kExtraSpecs, name); key != nullptr) {
      RETURN_IF_ERROR(CheckKey(*key, flavor, name, value));
    }
  }
  RETURN_IF_ERROR(CheckPciRequests(flavor, request));
  const Refusal image{"the image's property", reason::kImageInvalid};
  for (const auto& [name, value] : request.image.properties) {
    if (const Key* key = Find(kImageProperties, name); key != nullptr) {
      RETURN_IF_ERROR(CheckKey(*key, image, name, value));
    }
  }
  return OkStatus();
}

}  // namespace kilonova::agent::guest
