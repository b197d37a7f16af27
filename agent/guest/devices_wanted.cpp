// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/devices_wanted.h"

#include "agent/guest/context.h"
#include "agent/guest/refusal.h"

namespace kilonova::agent::guest {

Expected<core::DevicesWanted> DevicesWantedOf(const GuestConfig& config,
                                              const model::BuildRequest& request) {
  ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(request.image.properties));
  const hardware::GuestNeeds needs{.flavor = request.flavor, .image = image};
  core::DevicesWanted devices;
  ASSIGN_OR_RETURN(const auto tpm, hardware::VtpmConstraint(needs));
  if (tpm && !config.swtpm_enabled) {
    return Refuse(reason::kFeatureNotServed, "Invalid",
                  "this host gives guests no emulated TPM (libvirt.swtpm_enabled)",
                  {{"key", "hw:tpm_version"}, {"value", tpm->version}});
  }
  devices.tpm = tpm.has_value();
  if (!config.console.serial_enabled) return devices;
  ASSIGN_OR_RETURN(const std::int64_t ports, hardware::NumberOfSerialPorts(needs));
  RETURN_IF_ERROR(CheckSerialPorts(ports));
  devices.serial_ports = static_cast<int>(ports);
  return devices;
}

}  // namespace kilonova::agent::guest
