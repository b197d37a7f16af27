// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/features.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "agent/guest/text.h"
#include "common/base/python_text.h"
#include "common/hardware/constraints.h"
#include "common/hardware/image_prop_names.h"
#include "common/hardware/image_props.h"
#include "common/hardware/pci_alias.h"
#include "common/hardware/pci_alias_spec.h"

namespace kilonova::agent::guest {
namespace {

enum class Takes {
  kAnything,   // has no effect on a guest here, or is judged later, by Nova's rules
  kOnlyFalse,  // the feature is not served; saying "off" is
  kNumber,     // served, 0 and more
  kWords,      // served with the words listed
  kAllBut,     // served but for the words listed; what Nova does not know either is judged later
  kNothing,    // not served
};

struct Key {
  std::string_view name;  // a trailing * stands for any ending
  Takes takes;
  std::string_view words = {};  // space separated, for kWords and kAllBut
};

// Flavor extra specs. Names without a namespace and the namespaces below with kAnything decide
// where a guest goes, not what it is.
constexpr Key kExtraSpecs[] = {
    {"hw:cpu_sockets", Takes::kAnything},
    {"hw:cpu_cores", Takes::kAnything},
    {"hw:cpu_threads", Takes::kAnything},
    {"hw:cpu_max_sockets", Takes::kAnything},
    {"hw:cpu_max_cores", Takes::kAnything},
    {"hw:cpu_max_threads", Takes::kAnything},
    {"hw:cpu_policy", Takes::kAnything},
    {"hw:cpu_thread_policy", Takes::kAnything},
    {"hw:cpu_dedicated_mask", Takes::kAnything},
    {"hw:emulator_threads_policy", Takes::kAnything},
    {"hw:numa_nodes", Takes::kAnything},
    {"hw:numa_cpus.*", Takes::kAnything},
    {"hw:numa_mem.*", Takes::kAnything},
    {"hw:mem_page_size", Takes::kAnything},
    {"hw:boot_menu", Takes::kAnything},
    {"hw:hide_hypervisor_id", Takes::kAnything},
    {"hw:pmu", Takes::kAnything},
    {"hw:locked_memory", Takes::kAnything},
    {"hw:mem_encryption", Takes::kAnything},  // judged with the host
    {"hw:ephemeral_encryption", Takes::kOnlyFalse},
    {"hw:ephemeral_encryption_format", Takes::kAnything},  // of what is not encrypted
    {"hw:vif_multiqueue_enabled", Takes::kAnything},
    {"hw:cpu_realtime", Takes::kAnything},
    {"hw:cpu_realtime_mask", Takes::kAnything},
    {"hw:serial_port_count", Takes::kAnything},
    {"hw:tpm_version", Takes::kAnything},
    {"hw:tpm_model", Takes::kAnything},
    {"hw:pci_numa_affinity_policy", Takes::kAnything},
    {"hw:watchdog_action", Takes::kAnything},
    {"hw:viommu_model", Takes::kWords, "auto intel virtio"},
    {"hw_rng:allowed", Takes::kAnything},
    {"hw_rng:rate_bytes", Takes::kNumber},
    {"hw_rng:rate_period", Takes::kNumber},
    {"hw_video:ram_max_mb", Takes::kAnything},
    {"os:secure_boot", Takes::kWords, "disabled optional required"},
    {"hw:*", Takes::kNothing},
    {"hw_rng:*", Takes::kNothing},
    {"hw_video:*", Takes::kNothing},
    {"quota:cpu_shares", Takes::kNumber},
    {"quota:cpu_period", Takes::kNumber},
    {"quota:cpu_quota", Takes::kAnything},  // negative: no limit
    {"quota:disk_read_bytes_sec", Takes::kNumber},
    {"quota:disk_read_iops_sec", Takes::kNumber},
    {"quota:disk_write_bytes_sec", Takes::kNumber},
    {"quota:disk_write_iops_sec", Takes::kNumber},
    {"quota:disk_total_bytes_sec", Takes::kNumber},
    {"quota:disk_total_iops_sec", Takes::kNumber},
    {"quota:vif_inbound_average", Takes::kNumber},
    {"quota:vif_inbound_peak", Takes::kNumber},
    {"quota:vif_inbound_burst", Takes::kNumber},
    {"quota:vif_outbound_average", Takes::kNumber},
    {"quota:vif_outbound_peak", Takes::kNumber},
    {"quota:vif_outbound_burst", Takes::kNumber},
    {"quota:*", Takes::kNothing},
    {"os:*", Takes::kNothing},
    {"pci_passthrough:alias", Takes::kAnything},  // by the request's own list of devices
    {"pci_passthrough:*", Takes::kNothing},
    {"accel:*", Takes::kNothing},
};

// Image properties by Nova's current names, with the words Nova keeps for their values: those of
// which not all is served. The rest is judged later or has no effect.
constexpr Key kImageProperties[] = {
    // What Nova takes, and libvirt or QEMU does not have on a PC.
    {"hw_disk_bus", Takes::kAllBut, "fdc"},
    {"hw_cdrom_bus", Takes::kAllBut, "fdc virtio"},
    {"hw_scsi_model", Takes::kAllBut, "buslogic ibmvscsi"},
    {"hw_vif_model", Takes::kAllBut, "lan9118 spapr-vlan"},
    {"hw_viommu_model", Takes::kAllBut, "smmuv3"},
    {"hw_vm_mode", Takes::kWords, "hvm"},
    // The guest's own kind, which hw_architecture is compared with.
    {"hw_emulation_architecture", Takes::kWords, "x86_64"},
    {"hw_ephemeral_encryption", Takes::kOnlyFalse},
};

// Names of which Glance keeps a list: disks the image brings along.
constexpr std::string_view kImageLists =
    "img_block_device_mapping block_device_mapping img_mappings mappings";

// Classes whose resources are devices of the guest.
constexpr std::string_view kDeviceClasses[] = {"VGPU_DISPLAY_HEAD", "PCI_DEVICE", "SRIOV_NET_VF",
                                               "MEM_ENCRYPTION_CONTEXT", "CUSTOM_PMEM_NAMESPACE"};

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
    case Takes::kOnlyFalse:
      return PyBool(value) ? NotServed(refusal, name, value) : OkStatus();
    case Takes::kNumber: {
      const auto number = PyInt(value);
      return number && *number >= 0 ? OkStatus() : Invalid(refusal, name, value);
    }
    case Takes::kWords:
      return HasWord(key.words, value) ? OkStatus() : NotServed(refusal, name, value);
    case Takes::kAllBut:
      return HasWord(key.words, value) ? NotServed(refusal, name, value) : OkStatus();
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
  const auto number = PyInt(value);
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

std::string TextOf(const hardware::ImageProps::Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return std::get<std::string>(value);
}

// As Nova reads them: by their current names, with its own word for each value.
Status CheckImage(const std::map<std::string, std::string>& properties,
                  const hardware::ImageProps& props) {
  const Refusal image{"the image's property", reason::kImageInvalid};
  for (const auto& [name, value] : properties) {
    const bool list = HasWord(kImageLists, name) && value != "[]";
    if (list || (name.starts_with("hw_") && !hardware::IsImageProperty(name))) {
      return NotServed(image, name, value);
    }
  }
  for (const auto& [name, value] : props.Values()) {
    if (const Key* key = Find(kImageProperties, name); key != nullptr) {
      RETURN_IF_ERROR(CheckKey(*key, image, name, TextOf(value)));
    }
  }
  return OkStatus();
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
  ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(request.image.properties));
  RETURN_IF_ERROR(CheckImage(request.image.properties, image));
  // Whoever sent the message was to ask this before.
  return hardware::CheckFlavorWithImage(
      {.flavor = request.flavor, .image = image, .image_has_id = !request.image.id.empty()});
}

}  // namespace kilonova::agent::guest
