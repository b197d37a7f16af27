// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/image_props.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string_view>

namespace kilonova::oslo {
namespace {

enum class Type { kText, kInteger, kFlag };

struct Property {
  std::string_view name;
  Type type;
};

constexpr Property kProperties[] = {
    // sorted by name
    {"hw_architecture", Type::kText},
    {"hw_auto_disk_config", Type::kText},
    {"hw_boot_menu", Type::kFlag},
    {"hw_cdrom_bus", Type::kText},
    {"hw_cpu_cores", Type::kInteger},
    {"hw_cpu_max_cores", Type::kInteger},
    {"hw_cpu_max_sockets", Type::kInteger},
    {"hw_cpu_max_threads", Type::kInteger},
    {"hw_cpu_policy", Type::kText},
    {"hw_cpu_realtime_mask", Type::kText},
    {"hw_cpu_sockets", Type::kInteger},
    {"hw_cpu_thread_policy", Type::kText},
    {"hw_cpu_threads", Type::kInteger},
    {"hw_device_id", Type::kInteger},
    {"hw_disk_bus", Type::kText},
    {"hw_disk_type", Type::kText},
    {"hw_emulation_architecture", Type::kText},
    {"hw_ephemeral_encryption", Type::kFlag},
    {"hw_ephemeral_encryption_format", Type::kText},
    {"hw_firmware_type", Type::kText},
    {"hw_floppy_bus", Type::kText},
    {"hw_input_bus", Type::kText},
    {"hw_ipxe_boot", Type::kFlag},
    {"hw_locked_memory", Type::kFlag},
    {"hw_machine_type", Type::kText},
    {"hw_mem_encryption", Type::kFlag},
    {"hw_mem_page_size", Type::kText},
    {"hw_numa_nodes", Type::kInteger},
    {"hw_pci_numa_affinity_policy", Type::kText},
    {"hw_pmu", Type::kFlag},
    {"hw_pointer_model", Type::kText},
    {"hw_qemu_guest_agent", Type::kFlag},
    {"hw_rescue_bus", Type::kText},
    {"hw_rescue_device", Type::kText},
    {"hw_rng_model", Type::kText},
    {"hw_scsi_model", Type::kText},
    {"hw_serial_port_count", Type::kInteger},
    {"hw_time_hpet", Type::kFlag},
    {"hw_tpm_model", Type::kText},
    {"hw_tpm_version", Type::kText},
    {"hw_video_model", Type::kText},
    {"hw_video_ram", Type::kInteger},
    {"hw_vif_model", Type::kText},
    {"hw_vif_multiqueue_enabled", Type::kFlag},
    {"hw_viommu_model", Type::kText},
    {"hw_vm_mode", Type::kText},
    {"hw_watchdog_action", Type::kText},
    {"img_bdm_v2", Type::kFlag},
    {"img_bittorrent", Type::kFlag},
    {"img_cache_in_nova", Type::kFlag},
    {"img_compression_level", Type::kInteger},
    {"img_config_drive", Type::kText},
    {"img_hide_hypervisor_id", Type::kFlag},
    {"img_hv_requested_version", Type::kText},
    {"img_hv_type", Type::kText},
    {"img_linked_clone", Type::kFlag},
    {"img_owner_id", Type::kText},
    {"img_root_device_name", Type::kText},
    {"img_signature", Type::kText},
    {"img_signature_certificate_uuid", Type::kText},
    {"img_signature_hash_method", Type::kText},
    {"img_signature_key_type", Type::kText},
    {"img_use_agent", Type::kFlag},
    {"img_version", Type::kInteger},
    {"os_admin_user", Type::kText},
    {"os_command_line", Type::kText},
    {"os_distro", Type::kText},
    {"os_require_quiesce", Type::kFlag},
    {"os_secure_boot", Type::kText},
    {"os_skip_agent_inject_files_at_boot", Type::kFlag},
    {"os_skip_agent_inject_ssh", Type::kFlag},
    {"os_type", Type::kText},
};

std::optional<Json> Typed(Type type, const std::string& text) {
  if (type == Type::kText) return Json(text);
  if (type == Type::kInteger) {
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [next, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || next != end) return std::nullopt;
    return Json(number);
  }
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const char* yes : {"1", "t", "true", "on", "y", "yes"}) {
    if (lower == yes) return Json(true);
  }
  return Json(false);  // as Nova reads anything else
}

}  // namespace

Json ImageMetaPropsData(const std::map<std::string, std::string>& properties) {
  Json out = Json::MakeObject();
  for (const auto& [name, text] : properties) {
    const auto known = std::ranges::lower_bound(kProperties, name, {}, &Property::name);
    if (known == std::end(kProperties) || known->name != name) continue;
    if (auto value = Typed(known->type, text)) out.AsObject()->push_back({name, *value});
  }
  return out;
}

}  // namespace kilonova::oslo
