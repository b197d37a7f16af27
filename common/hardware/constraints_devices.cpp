// SPDX-License-Identifier: Apache-2.0
// Devices and firmware: PCI affinity, PMU, queues, TPM, secure boot, serial ports.
#include <array>
#include <string>

#include "common/base/python_text.h"
#include "common/hardware/needs_text.h"

namespace kilonova::hardware {
namespace {

// The flavor's or the image's flag, which may not contradict each other.
Expected<std::optional<bool>> UniqueFlag(const GuestNeeds& needs, std::string_view extra_spec,
                                         std::string_view property) {
  const auto image = needs.image.Flag(property);
  const auto text = FlavorText(needs, extra_spec);
  if (!text) return image;
  const bool flavor = PyBool(*text);
  if (image && *image != flavor) return FlavorImageConflict(extra_spec, property);
  return flavor;
}

Expected<std::optional<std::string>> UniqueWord(const GuestNeeds& needs,
                                                std::string_view extra_spec,
                                                std::string_view property) {
  const auto flavor = FlavorWord(needs, extra_spec);
  const auto image = ImageWord(needs, property);
  if (flavor && image && *flavor != *image) return FlavorImageConflict(extra_spec, property);
  const auto word = flavor ? flavor : image;
  if (!word) return std::nullopt;
  return std::string(*word);
}

}  // namespace

Expected<PciNumaPolicy> PciNumaPolicyConstraint(const GuestNeeds& needs) {
  constexpr std::string_view kSpec = "hw:pci_numa_affinity_policy";
  const auto flavor = FlavorWord(needs, kSpec);
  const auto image = ImageWord(needs, "hw_pci_numa_affinity_policy");
  if (flavor && image && *flavor != *image) {
    return ImageRefused("ImagePCINUMAPolicyForbidden", "properties.hw_pci_numa_affinity_policy",
                        "the image's PCI NUMA affinity policy is not its flavor's");
  }
  const auto policy = PciNumaPolicyFrom((flavor ? flavor : image).value_or(""));
  if (!policy) {
    return FlavorRefused("InvalidPCINUMAAffinity", kSpec,
                         "the policy is none of required, legacy, preferred, socket");
  }
  return *policy;
}

Expected<std::optional<bool>> PmuConstraint(const GuestNeeds& needs) {
  return UniqueFlag(needs, "hw:pmu", "hw_pmu");
}

Expected<bool> VifMultiqueueConstraint(const GuestNeeds& needs) {
  if (needs.flavor.vcpus < 2) return false;  // one queue per CPU
  ASSIGN_OR_RETURN(const auto enabled,
                   UniqueFlag(needs, "hw:vif_multiqueue_enabled", "hw_vif_multiqueue_enabled"));
  return enabled.value_or(false);
}

Expected<std::optional<VtpmConfig>> VtpmConstraint(const GuestNeeds& needs) {
  constexpr std::string_view kVersion = "hw:tpm_version";
  constexpr std::string_view kModel = "hw:tpm_model";
  ASSIGN_OR_RETURN(const auto version, UniqueWord(needs, kVersion, "hw_tpm_version"));
  if (!version) return std::nullopt;
  if (*version != "1.2" && *version != "2.0") {
    return FlavorRefused("Invalid", kVersion, "the TPM version is neither 1.2 nor 2.0");
  }
  ASSIGN_OR_RETURN(const auto model, UniqueWord(needs, kModel, "hw_tpm_model"));
  if (!model) return VtpmConfig{*version, "tpm-tis"};
  if (*model != "tpm-tis" && *model != "tpm-crb") {
    return FlavorRefused("Invalid", kModel, "the TPM model is neither tpm-tis nor tpm-crb");
  }
  if (*model == "tpm-crb" && *version != "2.0") {
    return FlavorRefused("Invalid", kModel, "the TPM model tpm-crb needs TPM version 2.0");
  }
  return VtpmConfig{*version, *model};
}

Expected<std::optional<std::string>> SecureBootConstraint(const GuestNeeds& needs) {
  ASSIGN_OR_RETURN(auto policy, UniqueWord(needs, "os:secure_boot", "os_secure_boot"));
  if (policy && *policy != "required" && *policy != "optional" && *policy != "disabled") {
    return FlavorRefused("Invalid", "os:secure_boot",
                         "the policy is none of required, optional, disabled");
  }
  return policy;
}

Expected<std::int64_t> NumberOfSerialPorts(const GuestNeeds& needs) {
  constexpr std::string_view kSpec = "hw:serial_port_count";
  const std::int64_t image = needs.image.Integer("hw_serial_port_count").value_or(0);
  std::int64_t flavor = 0;
  if (const auto text = FlavorWord(needs, kSpec)) {
    const auto number = PyInt(*text);
    if (!number) {
      return FlavorRefused("ImageSerialPortNumberInvalid", kSpec,
                           "the number of serial ports is not an integer");
    }
    flavor = *number;
  }
  if (flavor != 0 && image != 0 && image > flavor) {
    return ImageRefused("ImageSerialPortNumberExceedFlavorValue", "properties.hw_serial_port_count",
                        "the image asks for more serial ports than its flavor allows");
  }
  if (image != 0) return image;
  return flavor != 0 ? flavor : 1;
}

}  // namespace kilonova::hardware
