// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/request.h"

#include <algorithm>
#include <string_view>

#include "agent/guest/devices_wanted.h"
#include "agent/guest/disk_bus.h"
#include "agent/guest/features.h"
#include "agent/guest/image_text.h"
#include "agent/guest/metadata.h"
#include "agent/guest/text.h"
#include "common/hardware/constraints.h"

namespace kilonova::agent::guest {
namespace {

constexpr std::size_t kInterfaceNameMax = 15;  // IFNAMSIZ - 1
constexpr std::size_t kMaxNics = 8;

Status NotServed(const std::string& key, const std::string& value) {
  return Error(Code::kFailedPrecondition, reason::kFeatureNotServed,
               key + "=" + Printable(value) + " asks for a feature that is not served",
               {{"key", key}, {"value", Printable(value)}});
}

// Guests of the host's own kind alone; of its machines, those QEMU has on PCs.
Status CheckMachine(const GuestConfig& config, const hardware::ImageProps& image) {
  if (config.arch != "x86_64") return NotServed("arch", config.arch);
  const std::string arch = GuestArch(config, image);
  if (arch != config.arch) return NotServed("hw_architecture", arch);
  const std::string machine = MachineType(config, image);
  RETURN_IF_ERROR(RequirePrintable(machine, "hw_machine_type"));
  if (machine != "pc" && machine != "q35" && !machine.starts_with("pc-i440fx-") &&
      !machine.starts_with("pc-q35-")) {
    return NotServed("hw_machine_type", machine);
  }
  if (image.Text("hw_disk_bus") == "ide" && machine.find("q35") != std::string::npos) {
    return Error(Code::kInvalidArgument, reason::kImageInvalid, "the q35 machine has no ide bus",
                 {{"key", "hw_disk_bus"}});
  }
  return OkStatus();
}

// Nova passes over the wish for secure boot of a guest without UEFI; here it is not passed over.
Status CheckSecureBoot(const hardware::ImageProps& image, const model::Flavor& flavor) {
  if (image.Text("hw_firmware_type") == "uefi") return OkStatus();
  const auto spec = flavor.extra_specs.find("os:secure_boot");
  const bool required = image.Text("os_secure_boot") == "required" ||
                        (spec != flavor.extra_specs.end() && spec->second == "required");
  return required ? NotServed("os_secure_boot", "required") : OkStatus();
}

// Where the host cannot encrypt Nova starts the guest in the clear; here it is refused.
Status CheckEncryption(const hardware::ImageProps& image, const model::BuildRequest& request,
                       const core::HostFacts& facts) {
  if (facts.guests.amd_sev) return OkStatus();
  ASSIGN_OR_RETURN(
      const bool wanted,
      hardware::MemEncryptionConstraint(
          {.flavor = request.flavor, .image = image, .image_has_id = !request.image.id.empty()}));
  return wanted ? NotServed("hw:mem_encryption", "true") : OkStatus();
}

// Models QEMU does not have on a PC; without a display no guest has one.
Status CheckVideo(const ConsoleConfig& console, const hardware::ImageProps& image) {
  const std::string model = TextOr(image, "hw_video_model");
  const bool shown = console.vnc_enabled || console.spice_enabled;
  return shown && HasWord("gop xen", model) ? NotServed("hw_video_model", model) : OkStatus();
}

// What the image calls the disk it is started from; Nova looks for the older of the two names.
Expected<std::string> RootDeviceName(const model::ImageSource& image) {
  const auto named = image.properties.find("root_device_name");
  if (named == image.properties.end() || named->second.empty()) return "";
  const std::string dev = StripDev(named->second);
  const bool letters = std::ranges::all_of(dev, [](char c) { return c >= 'a' && c <= 'z'; });
  if (letters && dev.size() >= 3 && dev.size() <= 5 && BusForName(dev).ok()) return dev;
  return Error(Code::kInvalidArgument, reason::kImageInvalid,
               "root_device_name is no disk's: " + Printable(named->second),
               {{"key", "root_device_name"}});
}

Status CheckBase(const core::CachedImage& base) {
  if (base.format == "qcow2" || base.format == "raw") return OkStatus();
  return Error(Code::kFailedPrecondition, reason::kImageFormatNotServed,
               "a disk on a base of format " + Printable(base.format) + " is not served");
}

bool IsMac(std::string_view mac) {
  if (mac.size() != 17) return false;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const bool hex = (mac[i] >= '0' && mac[i] <= '9') || (mac[i] >= 'a' && mac[i] <= 'f');
    if (i % 3 == 2 ? mac[i] != ':' : !hex) return false;
  }
  return std::string_view("02468ace").find(mac[1]) != std::string_view::npos;  // not multicast
}

Status BadNic(const std::string& field, const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kNetworkInvalid, message, {{"field", field}});
}

Expected<Vif> VifOf(const model::NicRequest& nic) {
  if (nic.port_id.empty()) return BadNic("port_id", "a port has no id");
  if (!IsMac(nic.mac)) return BadNic("mac", "a port has no usable MAC address");
  const bool bridge = nic.kind == model::NetworkKind::kBridge;
  if (nic.source.empty() || nic.source.find('/') != std::string::npos ||
      (bridge && nic.source.size() > kInterfaceNameMax)) {
    return BadNic("source", "a network names no usable bridge or libvirt network");
  }
  RETURN_IF_ERROR(RequirePrintable(nic.source, "source"));
  Vif vif;
  vif.id = nic.port_id.str();
  vif.type = bridge ? "bridge" : kLibvirtNetworkVif;
  vif.address = nic.mac;
  vif.devname = TapName(nic.port_id);
  vif.bridge = nic.source;
  if (nic.mtu > 0) vif.mtu = nic.mtu;
  for (const model::FixedIp& ip : nic.fixed_ips) {
    vif.ips.push_back({"fixed", ip.address, ip.version});
  }
  return vif;
}

}  // namespace

Expected<GuestInput> InputOf(const GuestConfig& config, const core::HostFacts& facts,
                             const model::BuildRequest& request, const core::CachedImage& base) {
  GuestInput input;
  ASSIGN_OR_RETURN(input.image, hardware::ImageProps::From(request.image.properties));
  RETURN_IF_ERROR(CheckMachine(config, input.image));
  RETURN_IF_ERROR(CheckSecureBoot(input.image, request.flavor));
  RETURN_IF_ERROR(CheckEncryption(input.image, request, facts));
  RETURN_IF_ERROR(CheckVideo(config.console, input.image));
  RETURN_IF_ERROR(CheckBase(base));
  input.instance = request.instance;
  // As the image spells it: to Nova "Windows" is no "windows".
  if (const auto os = request.image.properties.find("os_type");
      os != request.image.properties.end()) {
    input.os_type = os->second;
  }
  input.vm_mode = TextOr(input.image, "hw_vm_mode");
  input.kernel = request.kernel.has_value();
  input.ramdisk = input.kernel && request.ramdisk.has_value();
  input.image_id = request.image.id;
  input.image_disk_format = request.image.disk_format;
  ASSIGN_OR_RETURN(input.block_devices.root_device_name, RootDeviceName(request.image));
  input.flavor = request.flavor;
  input.config_drive = WantsConfigDrive(config, request);
  if (request.nics.size() > kMaxNics) return BadNic("nics", "more than 8 networks");
  for (const model::NicRequest& nic : request.nics) {
    ASSIGN_OR_RETURN(input.vifs.emplace_back(), VifOf(nic));
  }
  ASSIGN_OR_RETURN(const core::DevicesWanted devices, DevicesWantedOf(config, request));
  if (devices.tpm) input.vtpm_secret = request.instance.uuid.str();  // libvirt knows it by this
  input.libvirt_version = facts.libvirt_version;
  input.owner = core::OwnerTag{config.host, request.claim.generation, request.claim.claim_id};
  input.base = base;
  return input;
}

Expected<Domain> DescribeRequest(const GuestConfig& config, const core::HostFacts& facts,
                                 const model::BuildRequest& request,
                                 const core::CachedImage& base) {
  RETURN_IF_ERROR(CheckServed(request));
  ASSIGN_OR_RETURN(const GuestInput input, InputOf(config, facts, request, base));
  ASSIGN_OR_RETURN(const DiskPlacement disks, PlaceDisks(config, input));
  return DescribeGuest(config, facts.guests, input, disks);
}

}  // namespace kilonova::agent::guest
