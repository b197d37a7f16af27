// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/context.h"
#include "agent/guest/disk_bus.h"
#include "agent/guest/image_text.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

constexpr std::string_view kConsoles = "console=tty0 console=ttyS0 console=hvc0";

std::string DefaultCommandLine(const Context& context) {
  const DiskPlace* root = context.disks.Find("root");
  std::string line = "root=" + (root == nullptr ? "None" : PrependDev(root->dev)) + " ";
  line += kConsoles;
  if (context.config.virt_type == "qemu") line += " no_timer_check";
  return line;
}

Expected<std::string> Serial(const Context& context) {
  const std::string& source = context.config.sysinfo_serial;
  if (source == "unique") return context.input.instance.uuid.str();
  const std::string& machine = context.host.machine_id;
  if (source == "os" && machine.empty()) {
    return Refuse(reason::kConfigInvalid, "InternalError", "this host has no /etc/machine-id",
                  {{"field", "sysinfo_serial"}});
  }
  if (source == "os" || (source == "auto" && !machine.empty())) return machine;
  if (source == "hardware" || source == "auto") return context.host.host_uuid;
  return "";
}

}  // namespace

Status DescribeSmbios(const Context& context, Domain& domain) {
  if (!context.x86()) return OkStatus();
  Smbios smbios;
  smbios.manufacturer = context.config.vendor;
  smbios.product = context.config.product;
  smbios.version = context.config.package_version;
  ASSIGN_OR_RETURN(smbios.serial, Serial(context));
  smbios.uuid = context.input.instance.uuid.str();
  domain.smbios = std::move(smbios);
  domain.boot.smbios = true;
  return OkStatus();
}

Status DescribeBoot(const Context& context, Domain& domain) {
  const GuestInput& input = context.input;
  const core::Paths& paths = context.config.paths;
  const Uuid& uuid = input.instance.uuid;
  if (input.rescue) {
    const auto directory = paths.Instance(uuid);
    if (input.rescue->kernel) {
      domain.boot.kernel = (directory / "kernel.rescue").string();
      domain.boot.cmdline = DefaultCommandLine(context);
    }
    if (input.rescue->ramdisk) domain.boot.initrd = (directory / "ramdisk.rescue").string();
    return OkStatus();
  }
  if (!input.kernel) {
    ASSIGN_OR_RETURN(domain.boot.devices, BootDevices(context.disks));
    return OkStatus();
  }
  domain.boot.kernel = paths.Kernel(uuid).string();
  if (input.ramdisk) domain.boot.initrd = paths.Ramdisk(uuid).string();
  domain.boot.cmdline = TextOr(input.image, "os_command_line");
  if (domain.boot.cmdline->empty()) domain.boot.cmdline = DefaultCommandLine(context);
  if (Printable(*domain.boot.cmdline) != *domain.boot.cmdline) {
    return Error(Code::kInvalidArgument, reason::kImageInvalid,
                 "the image's os_command_line has control characters",
                 {{"key", "os_command_line"}});
  }
  return OkStatus();
}

}  // namespace kilonova::agent::guest
