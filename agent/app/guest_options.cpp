// SPDX-License-Identifier: Apache-2.0
#include "agent/app/guest_options.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "agent/guest/perf_events.h"

namespace kilonova::agent::app {
namespace {

using runtime::Config;

Status Refuse(const std::string& field, const std::string& why) {
  return Error(Code::kInvalidArgument, reason::kConfigInvalid, field + ": " + why,
               {{"field", field}});
}

enum class Twice { kFirst, kLast };  // which of a name's values counts

// "name=value" each.
Status ReadPairs(Config& config, const std::string& key, Twice twice,
                 std::map<std::string, std::string>& into) {
  std::map<std::string, std::string> read;
  for (const std::string& pair : config.List(key, {})) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) {
      return Refuse(key, "each is name=value");
    }
    const std::string name = pair.substr(0, equals);
    if (twice == Twice::kFirst && read.contains(name)) continue;
    read[name] = pair.substr(equals + 1);
  }
  for (auto& [name, value] : read) into[name] = std::move(value);
  return OkStatus();
}

// As in Nova: models are for the mode custom, which needs one.
Status ReadCpu(Config& config, guest::CpuConfig& cpu) {
  cpu.mode = config.Choice("libvirt.cpu_mode", cpu.mode,
                           {"", "host-model", "host-passthrough", "maximum", "custom", "none"});
  cpu.models = config.List("libvirt.cpu_models", {});
  const std::string model = config.String("libvirt.cpu_model", "");  // its name of old
  if (!model.empty() && cpu.models.empty()) cpu.models = {model};
  cpu.extra_flags = config.List("libvirt.cpu_model_extra_flags", {});
  cpu.realtime_priority = static_cast<int>(
      config.Int("libvirt.realtime_scheduler_priority", cpu.realtime_priority, 1, 99));
  if (cpu.mode == "custom" && cpu.models.empty()) {
    return Refuse("libvirt.cpu_models", "must name models with cpu_mode custom");
  }
  if (cpu.mode != "custom" && !cpu.models.empty()) {
    return Refuse("libvirt.cpu_models", "are for cpu_mode custom");
  }
  return OkStatus();
}

Status ReadDisks(Config& config, guest::DiskConfig& disk) {
  disk.cache = config.Choice("libvirt.disk_cache", "auto",
                             {"auto", "none", "writeback", "writethrough", "directsync"});
  const Status cachemodes =
      ReadPairs(config, "libvirt.disk_cachemodes", Twice::kLast, disk.cachemodes);
  disk.discard = config.Choice("libvirt.hw_disk_discard", "", {"", "ignore", "unmap"});
  disk.prefix = config.String("libvirt.disk_prefix", "");
  disk.max_devices = config.Int("compute.max_disk_devices_to_attach", -1, -1, INT32_MAX);
  RETURN_IF_ERROR(cachemodes);
  constexpr std::array<std::string_view, 6> kModes = {"default",   "none",       "writethrough",
                                                      "writeback", "directsync", "unsafe"};
  constexpr std::array<std::string_view, 4> kSources = {"file", "block", "network", "mount"};
  for (const auto& [source, mode] : disk.cachemodes) {
    if (std::ranges::find(kSources, source) == kSources.end() ||
        std::ranges::find(kModes, mode) == kModes.end()) {
      return Refuse("libvirt.disk_cachemodes", "there is no " + source + "=" + mode);
    }
  }
  if (disk.max_devices == 0) {
    return Refuse("compute.max_disk_devices_to_attach",
                  "no guest does without a disk; -1: no limit");
  }
  const bool letters =
      std::ranges::all_of(disk.prefix, [](char c) { return c >= 'a' && c <= 'z'; });
  if (!letters || disk.prefix.size() > 8) {
    return Refuse("libvirt.disk_prefix", "lower case letters, like sd");
  }
  return OkStatus();
}

Status ReadConsoles(Config& config, guest::ConsoleConfig& console) {
  console.vnc_enabled = config.Bool("vnc.enabled", console.vnc_enabled);
  console.vnc_listen = config.String("vnc.server_listen", console.vnc_listen);
  console.spice_enabled = config.Bool("spice.enabled", console.spice_enabled);
  console.spice_agent_enabled = config.Bool("spice.agent_enabled", console.spice_agent_enabled);
  console.spice_listen = config.String("spice.server_listen", console.spice_listen);
  console.pointer_model =
      config.Choice("pointer_model", console.pointer_model, {"ps2mouse", "usbtablet"});
  return OkStatus();
}

std::optional<int> QueueSize(Config& config, const char* key) {
  const std::string size = config.Choice(key, "", {"", "256", "512", "1024"});
  if (size.empty()) return std::nullopt;
  return std::stoi(size);
}

void ReadNics(Config& config, guest::GuestConfig& guest) {
  guest.lock_mac = config.Bool("libvirt.lock_mac", guest.lock_mac);
  guest.use_virtio_for_bridges =
      config.Bool("libvirt.use_virtio_for_bridges", guest.use_virtio_for_bridges);
  guest.rx_queue_size = QueueSize(config, "libvirt.rx_queue_size");
  guest.tx_queue_size = QueueSize(config, "libvirt.tx_queue_size");
  const std::int64_t queues = config.Int("libvirt.max_queues", 0, 0, 256);
  if (queues > 0) guest.max_queues = static_cast<int>(queues);
}

Status ReadMachine(Config& config, guest::GuestConfig& guest) {
  guest.emulator = config.String("libvirt.emulator", guest.emulator);
  const std::string machine_type = config.String("libvirt.machine_type", "");
  if (!machine_type.empty()) guest.machine_types["x86_64"] = machine_type;
  const Status machines =
      ReadPairs(config, "libvirt.hw_machine_type", Twice::kFirst, guest.machine_types);
  guest.memory_stats_period = static_cast<int>(
      config.Int("libvirt.memory_stats_period", guest.memory_stats_period, 0, 3600));
  guest.num_pcie_ports =
      static_cast<int>(config.Int("libvirt.num_pcie_ports", guest.num_pcie_ports, 0, 28));
  guest.rng_dev_path = config.String("libvirt.rng_dev_path", guest.rng_dev_path);
  guest.sysinfo_serial = config.Choice("libvirt.sysinfo_serial", guest.sysinfo_serial,
                                       {"none", "os", "hardware", "auto", "unique"});
  guest.disable_apic = config.Bool("workarounds.libvirt_disable_apic", guest.disable_apic);
  guest.perf_events = guest::KnownPerfEvents(config.List("libvirt.enabled_perf_events", {}));
  RETURN_IF_ERROR(machines);
  if (!guest.rng_dev_path.empty() && !guest.rng_dev_path.starts_with('/')) {
    return Refuse("libvirt.rng_dev_path", "must be an absolute path");
  }
  return OkStatus();
}

void ReadMetadata(Config& config, guest::GuestConfig& guest) {
  guest.force_config_drive = config.Bool("guest.force_config_drive", guest.force_config_drive);
  guest.vendor = config.String("guest.smbios_vendor", guest.vendor);
  guest.product = config.String("guest.smbios_product", guest.product);
  guest.package_version = config.String("guest.smbios_version", guest.package_version);
  guest.default_availability_zone =
      config.String("guest.default_availability_zone", guest.default_availability_zone);
  guest.dhcp_domain = config.String("guest.dhcp_domain", guest.dhcp_domain);
  guest.vendor_data = config.String("guest.vendor_data", guest.vendor_data);
  guest.metadata_admin_pass = config.Bool("guest.metadata_admin_pass", guest.metadata_admin_pass);
}

}  // namespace

Status ReadGuestOptions(Config& config, guest::GuestConfig& guest) {
  // All are asked for, so that Finish knows every key, before any fault is told.
  const Status faults[] = {ReadMachine(config, guest), ReadCpu(config, guest.cpu),
                           ReadDisks(config, guest.disk), ReadConsoles(config, guest.console)};
  ReadNics(config, guest);
  ReadMetadata(config, guest);
  for (const Status& fault : faults) RETURN_IF_ERROR(fault);
  return OkStatus();
}

}  // namespace kilonova::agent::app
