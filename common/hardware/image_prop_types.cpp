// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/image_prop_types.h"

#include <algorithm>
#include <array>

#include "common/base/python_text.h"
#include "common/hardware/image_prop_names.h"

namespace kilonova::hardware {
namespace {

using T = PropertyType;

constexpr std::array<Property, 76> kProperties = {{
    {"hw_architecture", T::kArchitecture},
    {"hw_emulation_architecture", T::kArchitecture},
    {"hw_auto_disk_config", T::kText},
    {"hw_boot_menu", T::kFlag},
    {"hw_cdrom_bus", T::kDiskBus},
    {"hw_cpu_cores", T::kInteger},
    {"hw_cpu_sockets", T::kInteger},
    {"hw_cpu_max_cores", T::kInteger},
    {"hw_cpu_max_sockets", T::kInteger},
    {"hw_cpu_max_threads", T::kInteger},
    {"hw_cpu_policy", T::kCpuPolicy},
    {"hw_cpu_thread_policy", T::kCpuThreadPolicy},
    {"hw_cpu_realtime_mask", T::kText},
    {"hw_cpu_threads", T::kInteger},
    {"hw_device_id", T::kInteger},
    {"hw_disk_bus", T::kDiskBus},
    {"hw_disk_type", T::kText},
    {"hw_floppy_bus", T::kDiskBus},
    {"hw_firmware_type", T::kFirmware},
    {"hw_input_bus", T::kInputBus},
    {"hw_ipxe_boot", T::kFlag},
    {"hw_locked_memory", T::kFlag},
    {"hw_machine_type", T::kText},
    {"hw_mem_encryption", T::kFlag},
    {"hw_mem_page_size", T::kText},
    {"hw_numa_nodes", T::kInteger},
    {"hw_numa_cpus", T::kNumaCpus},
    {"hw_numa_mem", T::kNumaMem},
    {"hw_pci_numa_affinity_policy", T::kPciNumaPolicy},
    {"hw_pointer_model", T::kPointer},
    {"hw_pmu", T::kFlag},
    {"hw_qemu_guest_agent", T::kFlag},
    {"hw_rescue_bus", T::kDiskBus},
    {"hw_rescue_device", T::kBlockDevice},
    {"hw_rng_model", T::kRng},
    {"hw_time_hpet", T::kFlag},
    {"hw_serial_port_count", T::kInteger},
    {"hw_scsi_model", T::kScsi},
    {"hw_video_model", T::kVideo},
    {"hw_video_ram", T::kInteger},
    {"hw_vif_model", T::kVif},
    {"hw_viommu_model", T::kViommu},
    {"hw_vm_mode", T::kVmMode},
    {"hw_watchdog_action", T::kWatchdog},
    {"hw_vif_multiqueue_enabled", T::kFlag},
    {"hw_tpm_model", T::kTpmModel},
    {"hw_tpm_version", T::kTpmVersion},
    {"hw_ephemeral_encryption", T::kFlag},
    {"hw_ephemeral_encryption_format", T::kDiskEncryption},
    {"img_bittorrent", T::kFlag},
    {"img_bdm_v2", T::kFlag},
    {"img_block_device_mapping", T::kList},
    {"img_cache_in_nova", T::kFlag},
    {"img_compression_level", T::kInteger},
    {"img_hv_requested_version", T::kVersionPredicate},
    {"img_hv_type", T::kHypervisor},
    {"img_config_drive", T::kConfigDrive},
    {"img_linked_clone", T::kFlag},
    {"img_mappings", T::kList},
    {"img_owner_id", T::kText},
    {"img_root_device_name", T::kText},
    {"img_use_agent", T::kFlag},
    {"img_version", T::kInteger},
    {"img_signature", T::kText},
    {"img_signature_hash_method", T::kSignatureHash},
    {"img_signature_certificate_uuid", T::kText},
    {"img_signature_key_type", T::kSignatureKey},
    {"img_hide_hypervisor_id", T::kFlag},
    {"os_admin_user", T::kText},
    {"os_command_line", T::kText},
    {"os_distro", T::kText},
    {"os_require_quiesce", T::kFlag},
    {"os_secure_boot", T::kSecureBoot},
    {"os_skip_agent_inject_files_at_boot", T::kFlag},
    {"os_skip_agent_inject_ssh", T::kFlag},
    {"os_type", T::kOs},
}};

constexpr std::array<LegacyName, 22> kLegacyNames = {{
    {"architecture", "hw_architecture"},
    {"owner_id", "img_owner_id"},
    {"vmware_disktype", "hw_disk_type"},
    {"vmware_image_version", "img_version"},
    {"vmware_ostype", "os_distro"},
    {"auto_disk_config", "hw_auto_disk_config"},
    {"ipxe_boot", "hw_ipxe_boot"},
    {"xenapi_device_id", "hw_device_id"},
    {"xenapi_image_compression_level", "img_compression_level"},
    {"vmware_linked_clone", "img_linked_clone"},
    {"xenapi_use_agent", "img_use_agent"},
    {"xenapi_skip_agent_inject_ssh", "os_skip_agent_inject_ssh"},
    {"xenapi_skip_agent_inject_files_at_boot", "os_skip_agent_inject_files_at_boot"},
    {"cache_in_nova", "img_cache_in_nova"},
    {"vm_mode", "hw_vm_mode"},
    {"bittorrent", "img_bittorrent"},
    {"mappings", "img_mappings"},
    {"block_device_mapping", "img_block_device_mapping"},
    {"bdm_v2", "img_bdm_v2"},
    {"root_device_name", "img_root_device_name"},
    {"hypervisor_version_requires", "img_hv_requested_version"},
    {"hypervisor_type", "img_hv_type"},
}};

}  // namespace

std::span<const Property> Properties() { return kProperties; }

const Property* FindProperty(std::string_view name) {
  const auto found = std::ranges::find(kProperties, name, &Property::name);
  return found == kProperties.end() ? nullptr : &*found;
}

bool IsImageProperty(std::string_view name) {
  if (FindProperty(name) != nullptr) return true;
  for (const std::string_view numbered : {"hw_numa_cpus.", "hw_numa_mem."}) {
    if (name.starts_with(numbered)) return PyIsDigit(name.substr(numbered.size()));
  }
  return false;
}

std::span<const LegacyName> LegacyNames() { return kLegacyNames; }

}  // namespace kilonova::hardware
