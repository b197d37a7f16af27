// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/guest/context.h"
#include "agent/guest/image_text.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"
#include "common/base/python_text.h"

namespace kilonova::agent::guest {
namespace {

Expected<std::int64_t> NumberSpec(const Context& context, const char* key) {
  const std::string text = context.extra_spec(key);
  if (text.empty()) return 0;
  if (const auto number = PyInt(text)) return *number;
  return Refuse(reason::kFlavorInvalid, "ValueError",
                std::string(key) + " is not a number: " + Printable(text), {{"key", key}});
}

bool OnUsb(const Device& device) {
  if (const auto* disk = std::get_if<DiskDevice>(&device)) return disk->bus == "usb";
  if (const auto* input = std::get_if<InputDevice>(&device)) return input->bus == "usb";
  return false;
}

}  // namespace

Status DescribeRng(const Context& context, Domain& domain) {
  const auto& specs = context.input.flavor.extra_specs;
  if (const auto allowed = specs.find("hw_rng:allowed");
      allowed != specs.end() && !PyBool(allowed->second)) {
    return OkStatus();
  }
  RngDevice rng;
  if (!context.extra_spec("hw_rng:rate_bytes").empty()) {
    ASSIGN_OR_RETURN(rng.rate_bytes, NumberSpec(context, "hw_rng:rate_bytes"));
    ASSIGN_OR_RETURN(rng.rate_period_ms, NumberSpec(context, "hw_rng:rate_period"));
  }
  rng.backend = context.config.rng_dev_path;
  if (!rng.backend.empty() && !context.host.rng_device) {
    return Refuse(reason::kConfigInvalid, "RngDeviceNotExist",
                  "this host has no random number device", {{"field", "rng_dev_path"}});
  }
  domain.devices.emplace_back(std::move(rng));
  return OkStatus();
}

Status DescribeTpm(const Context& context, Domain& domain) {
  ASSIGN_OR_RETURN(const auto tpm, hardware::VtpmConstraint(context.needs));
  if (!tpm) return OkStatus();
  if (context.input.vtpm_secret.empty()) {
    return Refuse(reason::kInvalidArgument, "Invalid", "an emulated TPM needs a secret",
                  {{"field", "vtpm_secret"}});
  }
  domain.devices.emplace_back(TpmDevice{tpm->model, tpm->version, context.input.vtpm_secret});
  return OkStatus();
}

void DescribeControllers(const Context& context, Domain& domain) {
  const bool pcie = (context.config.arch == "x86_64" && context.q35()) ||
                    (context.config.arch == "aarch64" && context.machine.starts_with("virt"));
  if (pcie && context.config.num_pcie_ports > 0) {
    domain.devices.emplace_back(ControllerDevice{"pci", {}, "pcie-root"});
    for (int i = 0; i < context.config.num_pcie_ports; ++i) {
      domain.devices.emplace_back(ControllerDevice{"pci", {}, "pcie-root-port"});
    }
  }
  // libvirt gives every x86 guest a USB controller unless told that there is none.
  const bool usb =
      HasWord("ppc64 ppc64le", context.arch) || std::ranges::any_of(domain.devices, OnUsb);
  const bool none = !usb && !HasWord("ppc ppc64 ppc64le", context.arch);
  domain.devices.emplace_back(ControllerDevice{"usb", 0, none ? "none" : ""});
}

Status DescribeWatchdog(const Context& context, Domain& domain) {
  std::string action = context.extra_spec("hw:watchdog_action");
  if (action.empty()) action = "disabled";
  action = TextOr(context.input.image, "hw_watchdog_action", action);
  if (action == "disabled") return OkStatus();
  if (!HasWord("none pause poweroff reset", action)) {
    return Refuse(reason::kFlavorInvalid, "InvalidWatchdogAction",
                  "a watchdog cannot " + Printable(action), {{"key", "hw:watchdog_action"}});
  }
  domain.devices.emplace_back(WatchdogDevice{action});
  return OkStatus();
}

void DescribeBalloon(const Context& context, Domain& domain) {
  const int period = context.config.memory_stats_period;
  if (period > 0) domain.devices.emplace_back(BalloonDevice{period});
}

}  // namespace kilonova::agent::guest
