// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/domain.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "agent/guest/cpu_topology.h"
#include "agent/guest/features.h"
#include "agent/guest/metadata.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

constexpr std::string_view kMacFilter = "no-mac-spoofing";
constexpr std::string_view kConsoles = "console=tty0 console=ttyS0 console=hvc0";
constexpr std::size_t kInterfaceNameMax = 15;  // IFNAMSIZ - 1
constexpr std::size_t kMaxNics = 8;

Status NotServed(const std::string& key, const std::string& value) {
  return Error(Code::kFailedPrecondition, reason::kFeatureNotServed,
               key + "=" + Printable(value) + " asks for a feature that is not served",
               {{"key", key}, {"value", Printable(value)}});
}

Status ImageInvalid(const std::string& key, const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kImageInvalid, message, {{"key", key}});
}

// The first of `names` that `from` has; "" when it has none.
std::string Property(const std::map<std::string, std::string>& from,
                     std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const auto at = from.find(name); at != from.end()) return at->second;
  }
  return "";
}

bool Flag(const std::map<std::string, std::string>& from, std::initializer_list<const char*> names,
          bool otherwise = false) {
  const std::string text = Property(from, names);
  return text.empty() ? otherwise : ParseFlag(text).value_or(false);
}

// The image may say how the guest's architecture is called elsewhere.
std::string CanonicalArch(const std::string& name) {
  if (name == "amd64" || name == "x86-64" || name == "x64") return "x86_64";
  return name;
}

Status ChooseMachine(const GuestConfig& config, const model::ImageSource& image, Domain& domain) {
  if (config.arch != "x86_64") return NotServed("arch", config.arch);
  const std::string arch =
      CanonicalArch(Property(image.properties, {"hw_architecture", "architecture"}));
  if (!arch.empty() && arch != config.arch) return NotServed("hw_architecture", arch);
  domain.arch = config.arch;
  domain.machine = Property(image.properties, {"hw_machine_type"});
  if (domain.machine.empty()) domain.machine = config.machine_type;
  if (domain.machine.empty()) domain.machine = "pc";
  const std::string& machine = domain.machine;
  RETURN_IF_ERROR(RequirePrintable(machine, "hw_machine_type"));
  if (machine != "pc" && machine != "q35" && !machine.starts_with("pc-i440fx-") &&
      !machine.starts_with("pc-q35-")) {
    return NotServed("hw_machine_type", machine);
  }
  return OkStatus();
}

void ChooseCpu(const GuestConfig& config, Domain& domain) {
  domain.cpu_mode = config.cpu_mode.empty() ? "host-model" : config.cpu_mode;
  if (domain.cpu_mode == "none") domain.cpu_mode.clear();
  if (domain.cpu_mode == "custom") domain.cpu_model = config.cpu_model;
}

Status ChooseFeatures(const model::BuildRequest& request, Domain& domain) {
  const auto& specs = request.flavor.extra_specs;
  const auto& properties = request.image.properties;
  domain.kvm_timers = domain.virt_type == "kvm";
  domain.hpet = Flag(properties, {"hw_time_hpet"});
  // The image's word counts before the flavor's here, as in Nova.
  domain.boot_menu = Flag(properties, {"hw_boot_menu"}, Flag(specs, {"hw:boot_menu"}));
  domain.hide_kvm = Flag(specs, {"hide_hypervisor_id"}) || Flag(specs, {"hw:hide_hypervisor_id"}) ||
                    Flag(properties, {"img_hide_hypervisor_id"});
  const auto of_flavor = ParseFlag(Property(specs, {"hw:pmu"}));
  const auto of_image = ParseFlag(Property(properties, {"hw_pmu"}));
  if (of_flavor && of_image && *of_flavor != *of_image) {
    return ImageInvalid("hw_pmu", "the image's hw_pmu contradicts the flavor's hw:pmu");
  }
  domain.pmu = of_flavor ? of_flavor : of_image;
  domain.rng = Flag(specs, {"hw_rng:allowed"}, true);
  domain.rng_bytes = ParseNumber(Property(specs, {"hw_rng:rate_bytes"})).value_or(0);
  domain.rng_period_ms = ParseNumber(Property(specs, {"hw_rng:rate_period"})).value_or(0);
  return OkStatus();
}

std::string TargetPrefix(std::string_view bus) {
  if (bus == "virtio") return "vd";
  return bus == "ide" ? "hd" : "sd";
}

// The next free device name of the bus: "vda", then "vdb".
std::string NextTarget(const std::vector<DiskDevice>& disks, std::string_view bus) {
  const std::string prefix = TargetPrefix(bus);
  const auto used = std::ranges::count_if(
      disks, [&prefix](const DiskDevice& disk) { return disk.target.starts_with(prefix); });
  return prefix + static_cast<char>('a' + used);
}

Status AddDisks(const GuestConfig& config, const model::BuildRequest& request,
                const core::CachedImage& base, Domain& domain) {
  const bool q35 = domain.machine.find("q35") != std::string::npos;
  const auto& properties = request.image.properties;
  if (base.format != "qcow2" && base.format != "raw") {
    return Error(Code::kFailedPrecondition, reason::kImageFormatNotServed,
                 "a disk on a base of format " + Printable(base.format) + " is not served");
  }
  DiskDevice root;
  root.path = config.paths.Disk(request.instance.uuid).string();
  root.format = "qcow2";
  root.cache = config.disk_cache;
  root.bus = Property(properties, {"hw_disk_bus"});
  if (root.bus.empty()) root.bus = "virtio";
  if (q35 && root.bus == "ide") {
    return ImageInvalid("hw_disk_bus", "the q35 machine has no ide bus");
  }
  root.target = NextTarget(domain.disks, root.bus);
  root.base = base;
  domain.disks.push_back(root);

  if (WantsConfigDrive(config, request)) {
    DiskDevice drive;
    drive.device = "cdrom";
    drive.path = config.paths.ConfigDrive(request.instance.uuid).string();
    drive.format = "raw";
    drive.cache = config.disk_cache;
    drive.read_only = true;
    drive.bus = Property(properties, {"hw_cdrom_bus"});
    if (drive.bus.empty()) drive.bus = q35 ? "sata" : "ide";
    if (q35 && drive.bus == "ide") {
      return ImageInvalid("hw_cdrom_bus", "the q35 machine has no ide bus");
    }
    drive.target = NextTarget(domain.disks, drive.bus);
    domain.disks.push_back(drive);
  }
  return OkStatus();
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

Status AddNics(const GuestConfig& config, const model::BuildRequest& request, Domain& domain) {
  if (request.nics.size() > kMaxNics) return BadNic("nics", "more than 8 networks");
  for (const auto& nic : request.nics) {
    if (nic.port_id.empty()) return BadNic("port_id", "a port has no id");
    if (!IsMac(nic.mac)) return BadNic("mac", "a port has no usable MAC address");
    const bool bridge = nic.kind == model::NetworkKind::kBridge;
    if (nic.source.empty() || nic.source.find('/') != std::string::npos ||
        (bridge && nic.source.size() > kInterfaceNameMax)) {
      return BadNic("source", "a network names no usable bridge or libvirt network");
    }
    RETURN_IF_ERROR(RequirePrintable(nic.source, "source"));
    NicDevice device;
    device.nic = nic;
    device.tap = TapName(nic.port_id);
    if (config.lock_mac) device.filter = kMacFilter;
    domain.nics.push_back(std::move(device));
  }
  return OkStatus();
}

Status AddKernel(const GuestConfig& config, const model::BuildRequest& request, Domain& domain) {
  if (!request.kernel) return OkStatus();
  domain.kernel = config.paths.Kernel(request.instance.uuid).string();
  if (request.ramdisk) domain.ramdisk = config.paths.Ramdisk(request.instance.uuid).string();
  domain.cmdline = Property(request.image.properties, {"os_command_line"});
  if (domain.cmdline.empty()) {
    domain.cmdline = "root=/dev/" + domain.disks.front().target + " " + std::string(kConsoles);
    if (domain.virt_type == "qemu") domain.cmdline += " no_timer_check";
  }
  if (Printable(domain.cmdline) != domain.cmdline) {
    return ImageInvalid("os_command_line", "the image's os_command_line has control characters");
  }
  return OkStatus();
}

}  // namespace

std::string DomainName(std::int64_t instance_id) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "instance-%08llx",
                static_cast<unsigned long long>(instance_id));
  return name.data();
}

std::string TapName(const Uuid& port_id) { return "tap" + port_id.str().substr(0, 11); }

Expected<Domain> DescribeGuest(const GuestConfig& config, const model::BuildRequest& request,
                               const core::CachedImage& base) {
  RETURN_IF_ERROR(CheckServed(request));
  if (request.instance.uuid.empty() || request.instance.id <= 0) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, "the instance has no id");
  }
  if (request.flavor.vcpus < 1 || request.flavor.memory_mb < 1) {
    return Error(Code::kInvalidArgument, reason::kFlavorInvalid,
                 "the flavor has no vcpus or no memory");
  }
  Domain domain;
  domain.instance = request.instance;
  domain.flavor = request.flavor;
  domain.image_id = request.image.id;
  domain.owner = {config.host, request.claim.generation, request.claim.claim_id};
  domain.name = DomainName(request.instance.id);
  domain.package_version = config.package_version;
  domain.vendor = config.vendor;
  domain.product = config.product;
  domain.virt_type = config.virt_type;
  domain.emulator = config.emulator;
  domain.console_log = config.paths.Console(request.instance.uuid).string();
  domain.memory_stats_period = config.memory_stats_period;
  RETURN_IF_ERROR(ChooseMachine(config, request.image, domain));
  ChooseCpu(config, domain);
  ASSIGN_OR_RETURN(domain.topology, ChooseTopology(request.flavor, request.image));
  RETURN_IF_ERROR(ChooseFeatures(request, domain));
  RETURN_IF_ERROR(AddDisks(config, request, base, domain));
  RETURN_IF_ERROR(AddKernel(config, request, domain));
  RETURN_IF_ERROR(AddNics(config, request, domain));
  return domain;
}

}  // namespace kilonova::agent::guest
