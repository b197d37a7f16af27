// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/disk_bus.h"

#include "agent/guest/image_text.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

constexpr std::string_view kBuses = "virtio scsi ide usb fdc sata";
constexpr std::string_view kTypes = "disk cdrom floppy lun";

}  // namespace

bool IsDiskBus(std::string_view bus) { return HasWord(kBuses, bus); }

bool IsDiskType(std::string_view type) { return HasWord(kTypes, type); }

Expected<std::string> BusForType(const GuestConfig& config, const hardware::ImageProps& image,
                                 const std::string& type) {
  const std::string key = "hw_" + type + "_bus";
  // Disk types without a property of their own are not asked for.
  const bool property = type == "disk" || type == "cdrom" || type == "floppy";
  if (const auto wanted = property ? image.Text(key) : std::nullopt; wanted) {
    std::string bus(*wanted);
    if (IsDiskBus(bus)) return bus;
    return Refuse(reason::kImageInvalid, "UnsupportedHardware",
                  key + " cannot be " + bus + " on this hypervisor", {{"key", key}});
  }
  if (type == "disk") return "virtio";
  if (type == "floppy") return "fdc";
  if (type != "cdrom") {
    return Refuse(reason::kInvalidArgument, "AttributeError",
                  "a " + Printable(type) + " must name its bus", {{"field", "disk_bus"}});
  }
  if (HasWord("ppc ppc64 ppcle ppc64le s390 s390x aarch64", GuestArch(config, image))) {
    return "scsi";
  }
  // A q35 machine has no IDE bus.
  return MachineType(config, image).find("q35") != std::string::npos ? "sata" : "ide";
}

Expected<std::string> BusForName(std::string_view name) {
  if (name.starts_with("hd")) return "ide";
  if (name.starts_with("sd")) return "scsi";
  if (name.starts_with("vd")) return "virtio";
  if (name.starts_with("fd")) return "fdc";
  return Refuse(reason::kInvalidArgument, "InternalError",
                "no bus has a device named " + Printable(name), {{"field", "device_name"}});
}

Expected<std::string> PrefixForBus(const GuestConfig& config, std::string_view bus) {
  if (!config.disk.prefix.empty()) return config.disk.prefix;
  if (bus == "ide") return "hd";
  if (bus == "virtio") return "vd";
  if (bus == "fdc") return "fd";
  if (bus == "scsi" || bus == "usb" || bus == "sata") return "sd";
  return Refuse(reason::kInvalidArgument, "InternalError",
                "no device names are known for bus " + Printable(bus), {{"field", "disk_bus"}});
}

std::string DeviceName(std::string_view prefix, std::size_t index) {
  std::string letters;
  for (std::size_t rest = index + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return std::string(prefix) + letters;
}

std::string StripDev(std::string_view name) {
  if (name.starts_with("/dev/")) name.remove_prefix(5);
  return std::string(name);
}

std::string PrependDev(std::string_view name) {
  return name.empty() ? "" : "/dev/" + StripDev(name);
}

std::string GuestArch(const GuestConfig& config, const hardware::ImageProps& image) {
  return TextOr(image, "hw_architecture", config.arch);
}

std::string EmulatedArch(const GuestConfig& config, const hardware::ImageProps& image) {
  const std::string emulated = TextOr(image, "hw_emulation_architecture");
  return emulated.empty() ? GuestArch(config, image) : emulated;
}

std::string MachineType(const GuestConfig& config, const hardware::ImageProps& image) {
  if (const auto wanted = image.Text("hw_machine_type"); wanted) return std::string(*wanted);
  const std::string arch = GuestArch(config, image);
  if (const auto at = config.machine_types.find(arch);
      at != config.machine_types.end() && !at->second.empty()) {
    return at->second;
  }
  if (arch == "armv7l" || arch == "aarch64") return "virt";
  if (arch == "ppc64le") return "pseries";
  if (arch == "s390" || arch == "s390x") return "s390-ccw-virtio";
  if (arch == "i686" || arch == "x86_64") return "pc";
  return "";
}

}  // namespace kilonova::agent::guest
