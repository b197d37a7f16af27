// SPDX-License-Identifier: Apache-2.0
#include <fnmatch.h>

#include <algorithm>

#include "agent/guest/context.h"
#include "agent/guest/image_text.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"
#include "common/base/python_text.h"

namespace kilonova::agent::guest {
namespace {

Status CheckMachine(const Context& context) {
  const auto& known = context.host.machine_types;
  if (known.empty() || known.contains(context.machine)) return OkStatus();
  return Refuse(reason::kImageInvalid, "InvalidMachineType",
                "this host has no machine type " + Printable(context.machine),
                {{"key", "hw_machine_type"}});
}

bool AnyMachine(const Context& context, bool core::MachineCapabilities::*has) {
  return std::ranges::any_of(context.host.machines,
                             [has](const auto& entry) { return entry.second.*has; });
}

bool CanSecureBoot(const Context& context) {
  if (!AnyMachine(context, &core::MachineCapabilities::secure_boot)) return false;
  return context.arch != "x86_64" || context.q35();
}

Expected<std::string> CanonicalMachine(const Context& context) {
  if (const auto arch = context.host.canonical_machines.find(context.arch);
      arch != context.host.canonical_machines.end()) {
    if (const auto at = arch->second.find(context.machine); at != arch->second.end()) {
      return at->second;
    }
  }
  return Refuse(reason::kImageInvalid, "InternalError",
                "this host has no machine type " + Printable(context.machine),
                {{"key", "hw_machine_type"}});
}

bool Serves(const core::FirmwareDescriptor& firmware, const std::string& arch,
            const std::string& machine) {
  return std::ranges::any_of(firmware.targets, [&](const core::FirmwareTarget& target) {
    return target.architecture == arch &&
           std::ranges::any_of(target.machines, [&machine](const std::string& glob) {
             return fnmatch(glob.c_str(), machine.c_str(), 0) == 0;
           });
  });
}

bool HasFeature(const core::FirmwareDescriptor& firmware, std::string_view feature) {
  return std::ranges::find(firmware.features, feature) != firmware.features.end();
}

Status NoUefi() {
  return Refuse(reason::kFeatureNotServed, "UEFINotSupported",
                "this host has no UEFI firmware for the machine type",
                {{"key", "hw_firmware_type"}, {"value", "uefi"}});
}

Status NoSecureBoot() {
  return Refuse(reason::kFeatureNotServed, "SecureBootNotSupported",
                "secure boot needs the q35 machine and a firmware for it",
                {{"key", "os_secure_boot"}, {"value", "required"}});
}

Status ChooseUefi(const Context& context, Domain& domain) {
  if (!AnyMachine(context, &core::MachineCapabilities::uefi)) return NoUefi();
  if (context.machine.empty()) return NoUefi();
  ASSIGN_OR_RETURN(const auto wanted, hardware::SecureBootConstraint(context.needs));
  const bool possible = CanSecureBoot(context);
  if (wanted == "required" && !possible) return NoSecureBoot();
  domain.boot.secure = (wanted == "required" || wanted == "optional") && possible;
  ASSIGN_OR_RETURN(const std::string machine, CanonicalMachine(context));
  const auto firmware =
      std::ranges::find_if(context.host.firmware, [&](const core::FirmwareDescriptor& one) {
        return Serves(one, context.arch, machine) &&
               HasFeature(one, "secure-boot") == domain.boot.secure;
      });
  if (firmware == context.host.firmware.end()) {
    return domain.boot.secure ? NoSecureBoot() : NoUefi();
  }
  domain.boot.loader = firmware->executable;
  domain.boot.nvram_template = firmware->nvram_template;
  domain.features.smm = HasFeature(*firmware, "requires-smm");
  return OkStatus();
}

}  // namespace

Status DescribeFirmware(const Context& context, Domain& domain) {
  domain.boot.arch = context.arch;
  if (context.arch != context.config.arch) domain.virt_type = "qemu";
  RETURN_IF_ERROR(DescribeSmbios(context, domain));
  RETURN_IF_ERROR(CheckMachine(context));
  domain.boot.machine = context.machine;
  std::string firmware = TextOr(context.input.image, "hw_firmware_type");
  if (firmware.empty() && context.arch == "aarch64") firmware = "uefi";
  if (firmware == "uefi") RETURN_IF_ERROR(ChooseUefi(context, domain));
  // The image's word counts before the flavor's here.
  const bool of_flavor = PyBool(context.extra_spec("hw:boot_menu"));
  domain.boot.menu = FlagOr(context.input.image, "hw_boot_menu", of_flavor);
  return OkStatus();
}

}  // namespace kilonova::agent::guest
