// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/context.h"
#include "agent/guest/refusal.h"

namespace kilonova::agent::guest {
namespace {

constexpr std::int64_t kMostPorts = 3;  // QEMU has four, Nova keeps one back

}  // namespace

Status CheckSerialPorts(std::int64_t count) {
  if (count <= kMostPorts) return OkStatus();
  return Refuse(reason::kFlavorInvalid, "SerialPortNumberLimitExceeded",
                "a guest has at most 3 serial ports", {{"key", "hw:serial_port_count"}});
}

Status DescribeSerial(const Context& context, Domain& domain) {
  const ConsoleConfig& config = context.config.console;
  const std::string log = context.config.paths.Console(context.input.instance.uuid).string();
  if (!config.serial_enabled) {
    domain.devices.emplace_back(SerialDevice{.log = log});
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const std::int64_t ports, hardware::NumberOfSerialPorts(context.needs));
  RETURN_IF_ERROR(CheckSerialPorts(ports));
  for (std::size_t i = 0; std::cmp_less(i, ports); ++i) {
    if (i >= context.input.serial_ports.size()) {
      return Refuse(reason::kHostResourcesExhausted, "SocketPortRangeExhaustedException",
                    "no TCP ports are left for serial consoles", {{"key", "hw:serial_port_count"}});
    }
    SerialDevice serial{"tcp", config.serial_address, context.input.serial_ports[i], ""};
    if (i == 0) serial.log = log;  // only the first shows the guest's boot
    domain.devices.emplace_back(std::move(serial));
  }
  return OkStatus();
}

void DescribeGuestAgent(const Context& context, Domain& domain) {
  if (!context.input.image.Flag("hw_qemu_guest_agent").value_or(false)) return;
  // libvirt would add it by itself, but without the IOMMU driver of encrypted guests.
  if (context.sev) domain.devices.emplace_back(ControllerDevice{"virtio-serial", {}, ""});
  constexpr const char* kName = "org.qemu.guest_agent.0";
  domain.devices.emplace_back(ChannelDevice{
      "unix", "/var/lib/libvirt/qemu/" + std::string(kName) + "." + domain.name + ".sock", kName});
}

}  // namespace kilonova::agent::guest
