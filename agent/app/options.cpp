// SPDX-License-Identifier: Apache-2.0
#include "agent/app/options.h"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "agent/app/guest_options.h"
#include "agent/core/pci_machine.h"
#include "common/base/ids.h"
#include "common/base/program.h"
#include "common/runtime/config.h"

namespace kilonova::agent::app {
namespace {

using runtime::Config;

std::string OwnHostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

void ReadAgent(Config& config, core::AgentSettings& agent) {
  agent.host = config.String("host", OwnHostName());
  agent.paths.state_dir = config.String("state_dir", "/var/lib/kilonova");
  agent.availability_zone = config.String("availability_zone", "");
  agent.shared_disk = config.Bool("inventory.shared_disk", agent.shared_disk);
  agent.workers = static_cast<std::size_t>(config.Int("workers", 4, 1, 10));
  constexpr std::int64_t kMost = INT32_MAX;
  agent.reserved_host_cpus =
      config.Int("inventory.reserved_host_cpus", agent.reserved_host_cpus, 0, kMost);
  agent.reserved_host_memory_mb =
      config.Int("inventory.reserved_host_memory_mb", agent.reserved_host_memory_mb, 0, kMost);
  agent.reserved_host_disk_mb =
      config.Int("inventory.reserved_host_disk_mb", agent.reserved_host_disk_mb, 0, kMost);
  agent.file_backed_memory_mb = config.Int("libvirt.file_backed_memory", 0, 0, kMost);
  const auto ratio = [&config](const char* key, double fallback) {
    return config.Double(key, fallback, 0.01, 1000);
  };
  agent.cpu_allocation_ratio = ratio("inventory.cpu_allocation_ratio", agent.cpu_allocation_ratio);
  agent.ram_allocation_ratio = ratio("inventory.ram_allocation_ratio", agent.ram_allocation_ratio);
  agent.disk_allocation_ratio =
      ratio("inventory.disk_allocation_ratio", agent.disk_allocation_ratio);
  agent.shutdown_timeout = config.Duration("shutdown.timeout", agent.shutdown_timeout);
  agent.shutdown_retry = config.Duration("shutdown.retry_interval", agent.shutdown_retry);
  agent.soft_reboot_timeout =
      config.Duration("shutdown.soft_reboot_timeout", agent.soft_reboot_timeout);
  agent.reconcile_every = config.Duration("reconcile_interval", agent.reconcile_every);
  const auto seconds = [&config](const char* key, std::chrono::milliseconds fallback) {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(fallback).count();
    return std::chrono::seconds(config.Int(key, whole, -1, INT32_MAX));
  };
  agent.sync_power_state_interval =
      seconds("sync_power_state_interval", agent.sync_power_state_interval);
  agent.image_cache_manager_interval =
      seconds("image_cache.manager_interval", agent.image_cache_manager_interval);
}

// Nova's reserved_huge_pages: "node:0,size:2048,count:64", sizes in KiB or with a unit ("1G").
Status AddReservedPages(const std::string& text, core::AgentSettings& agent) {
  std::map<std::string, std::string> fields;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string field = text.substr(begin, end - begin);
    const std::size_t colon = field.find(':');
    if (colon == std::string::npos) break;
    fields[field.substr(0, colon)] = field.substr(colon + 1);
    begin = end + 1;
  }
  const auto number = [](std::string digits, std::int64_t unit) -> std::int64_t {
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    return whole && value >= 0 && value <= INT32_MAX ? value * unit : -1;
  };
  std::string size = fields["size"];
  std::int64_t unit = 1;  // KiB
  if (size.ends_with("B")) size.pop_back();
  if (size.ends_with("K")) size.pop_back();
  if (size.ends_with("M")) unit = 1024;
  if (size.ends_with("G")) unit = std::int64_t{1024} * 1024;
  if (unit > 1) size.pop_back();
  const std::int64_t node = number(fields["node"], 1);
  const std::int64_t kib = number(size, unit);
  const std::int64_t count = number(fields["count"], 1);
  if (fields.size() != 3 || node < 0 || kib <= 0 || count < 0) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 "reserved_huge_pages: each is node:N,size:KIB,count:N",
                 {{"field", "reserved_huge_pages"}});
  }
  agent.reserved_huge_pages[node][kib] = count;
  return OkStatus();
}

Status ReadCompute(Config& config, core::AgentSettings& agent) {
  const auto cpus = [&](const char* key, std::optional<hardware::CpuSet>& set) -> Status {
    const std::string text = config.String(key, "");
    if (text.empty()) return OkStatus();
    auto parsed = hardware::ParseCpuSpec(text);
    if (!parsed.ok() || parsed->Empty()) {
      return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                   std::string(key) + ": names no CPUs; it is a list like 4-7,^5",
                   {{"field", key}});
    }
    set = *std::move(parsed);
    return OkStatus();
  };
  Status status = cpus("compute.cpu_shared_set", agent.cpu_shared_set);
  if (status.ok()) status = cpus("compute.cpu_dedicated_set", agent.cpu_dedicated_set);
  const std::int64_t encrypted =
      config.Int("libvirt.num_memory_encrypted_guests", -1, -1, INT32_MAX);
  if (encrypted >= 0) agent.num_memory_encrypted_guests = encrypted;
  for (const std::string& text : config.List("reserved_huge_pages", {})) {
    if (status.ok()) status = AddReservedPages(text, agent);
  }
  return status;
}

Status ReadPci(Config& config, Options& options) {
  ASSIGN_OR_RETURN(auto specs, hardware::PciDeviceSpecs::Parse(config.List("pci.device_spec", {}),
                                                               core::MachineAt()));
  if (specs.Empty()) return OkStatus();
  options.pci_device_specs = std::make_shared<const hardware::PciDeviceSpecs>(std::move(specs));
  return OkStatus();
}

// Nova's [devices] and its groups of the types enabled, [mdev_<type>] or, once, [vgpu_<type>].
Status ReadMdevTypes(Config& config, core::AgentSettings& agent) {
  const auto list = [&config](const std::string& key, const std::string& former) {
    if (!config.Has(former)) return config.List(key, {});
    const std::vector<std::string> older = config.List(former, {});
    return config.Has(key) ? config.List(key, {}) : older;
  };
  std::vector<hardware::MdevTypeOptions> enabled;
  for (const std::string& type : list("devices.enabled_mdev_types", "devices.enabled_vgpu_types")) {
    hardware::MdevTypeOptions& group = enabled.emplace_back();
    const std::string prefix = "mdev_" + type;
    group.type = type;
    group.device_addresses =
        list(prefix + ".device_addresses", "vgpu_" + type + ".device_addresses");
    group.mdev_class = config.String(prefix + ".mdev_class", group.mdev_class);
    group.traits = config.List(prefix + ".traits", {});
  }
  ASSIGN_OR_RETURN(agent.mdev_types, hardware::MdevTypes::From(enabled));
  return OkStatus();
}

void ReadImages(Config& config, adapters::images::ImageStoreOptions& images,
                std::uint64_t& size_limit_gb) {
  for (const std::string& root : config.List("images.file_roots", {})) {
    images.image_file_roots.emplace_back(root);
  }
  size_limit_gb = static_cast<std::uint64_t>(
      config.Int("images.size_limit_gb", static_cast<std::int64_t>(size_limit_gb), 1, 1 << 20));
  images.max_file_bytes = size_limit_gb << 30;
  auto& disks = images.disks;
  disks.images_type =
      config.Choice("libvirt.images_type", "default", {"default", "qcow2", "raw", "flat"});
  if (disks.images_type == "default") disks.images_type = "qcow2";
  disks.preallocate_images =
      config.Choice("preallocate_images", "none", {"none", "space"}) == "space";
  disks.config_drive_format = config.Choice("config_drive_format", "iso9660", {"iso9660", "vfat"});
  disks.force_raw_images = config.Bool("force_raw_images", true);
  images.tools.mcopy = config.String("images.mcopy", images.tools.mcopy.string());
  images.tools.mkfs_dir = config.String("images.mkfs_dir", images.tools.mkfs_dir.string());
  auto& cache = images.cache;
  cache.remove_unused_base_images =
      config.Bool("image_cache.remove_unused_base_images", cache.remove_unused_base_images);
  cache.remove_unused_original_minimum_age_seconds = std::chrono::seconds(
      config.Int("image_cache.remove_unused_original_minimum_age_seconds",
                 cache.remove_unused_original_minimum_age_seconds.count(), 0, INT32_MAX));
  auto& http = images.http;
  http.connect_timeout = config.Duration("images.connect_timeout", http.connect_timeout);
  http.total_timeout = config.Duration("images.total_timeout", http.total_timeout);
  http.min_bytes_per_second = config.Int("images.min_bytes_per_second", http.min_bytes_per_second,
                                         0, std::int64_t{1} << 40);
  http.stall_time = std::chrono::duration_cast<std::chrono::seconds>(
      config.Duration("images.stall_time", http.stall_time));
  http.attempts = static_cast<int>(config.Int("images.attempts", http.attempts, 1, 10));
  for (const std::string& host : config.List("images.allowed_hosts", {})) {
    http.allowed_hosts.insert(host);
  }
  for (const std::string& host : config.List("images.denied_hosts", {})) {
    http.denied_hosts.insert(host);
  }
  http.allow_loopback = config.Bool("images.allow_loopback", http.allow_loopback);
  http.allow_link_local = config.Bool("images.allow_link_local", http.allow_link_local);
  http.ca_file = config.String("images.ca_file", http.ca_file);
  images.tools.qemu_img = config.String("images.qemu_img", images.tools.qemu_img.string());
  images.tools.xorriso = config.String("images.xorriso", images.tools.xorriso.string());
  images.tools.wall_clock = config.Duration("images.tool_timeout", images.tools.wall_clock);
}

struct SwtpmNames {
  std::string user, group;
};

SwtpmNames ReadSwtpm(Config& config, core::AgentSettings& agent) {
  agent.swtpm_enabled = config.Bool("libvirt.swtpm_enabled", false);
  return {config.String("libvirt.swtpm_user", "tss"), config.String("libvirt.swtpm_group", "tss")};
}

// As Nova at its start; it is content with one of the two programs.
Status CheckSwtpm(const core::AgentSettings& agent, const SwtpmNames& names) {
  if (!agent.swtpm_enabled) return OkStatus();
  const auto refuse = [](const char* field, const std::string& why) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid, field + (": " + why),
                 {{"field", field}});
  };
  for (const char* program : {"swtpm", "swtpm_setup"}) {
    if (!FindProgram(program)) {
      return refuse("libvirt.swtpm_enabled", std::string(program) + " is not in PATH");
    }
  }
  if (getpwnam(names.user.c_str()) == nullptr) {
    return refuse("libvirt.swtpm_user", "no such user on this host: " + names.user);
  }
  if (getgrnam(names.group.c_str()) == nullptr) {
    return refuse("libvirt.swtpm_group", "no such group on this host: " + names.group);
  }
  return OkStatus();
}

// Nova's port_range, "10000:20000"; the end is not in it.
Status ReadSerialConsole(Config& config, Options& options) {
  auto& console = options.guest.console;
  auto& serial = options.agent.serial_console;
  serial.enabled = config.Bool("serial_console.enabled", serial.enabled);
  console.serial_enabled = serial.enabled;
  serial.proxyclient_address =
      config.String("serial_console.proxyclient_address", serial.proxyclient_address);
  console.serial_address = serial.proxyclient_address;
  const std::string range = config.String("serial_console.port_range", "10000:20000");
  const char* at = range.data();
  const char* const end = at + range.size();
  const auto first = std::from_chars(at, end, serial.first_port);
  const bool colon = first.ec == std::errc() && first.ptr != end && *first.ptr == ':';
  const auto last = std::from_chars(colon ? first.ptr + 1 : end, end, serial.end_port);
  if (!colon || last.ec != std::errc() || last.ptr != end || serial.first_port < 1 ||
      serial.end_port > 65'536 || serial.first_port >= serial.end_port) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 "serial_console.port_range: is first:end, ports from 1 and first below end",
                 {{"field", "serial_console.port_range"}});
  }
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (inet_pton(AF_INET, serial.proxyclient_address.c_str(), address.data()) != 1 &&
      inet_pton(AF_INET6, serial.proxyclient_address.c_str(), address.data()) != 1) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 "serial_console.proxyclient_address: must be an IP address of this host",
                 {{"field", "serial_console.proxyclient_address"}});
  }
  return OkStatus();
}

// As Nova at its start.
Status CheckFileBackedMemory(const core::AgentSettings& agent) {
  const auto refuse = [](const char* field, const char* message) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid, message, {{"field", field}});
  };
  if (agent.file_backed_memory_mb == 0) return OkStatus();
  if (agent.ram_allocation_ratio != 1.0) {
    return refuse("inventory.ram_allocation_ratio",
                  "inventory.ram_allocation_ratio: must be 1.0 with libvirt.file_backed_memory");
  }
  if (agent.reserved_host_memory_mb >= agent.file_backed_memory_mb) {
    return refuse("libvirt.file_backed_memory",
                  "libvirt.file_backed_memory: must be more than "
                  "inventory.reserved_host_memory_mb");
  }
  return OkStatus();
}

Expected<amqp::ConnectionSettings> ReadAmqp(Config& config) {
  const std::string url = config.Secret("amqp.url", "amqp://guest:guest@127.0.0.1:5672/");
  const auto heartbeat = config.Duration("amqp.heartbeat", std::chrono::seconds(20));
  amqp::TlsSettings tls;
  tls.ca_file = config.String("amqp.tls.ca", "");
  tls.cert_file = config.String("amqp.tls.cert", "");
  tls.key_file = config.String("amqp.tls.key", "");
  tls.verify_peer = config.Bool("amqp.tls.verify_peer", true);
  tls.verify_hostname = config.Bool("amqp.tls.verify_hostname", true);
  const std::string login = config.Choice("amqp.login", "plain", {"plain", "external"});
  ASSIGN_OR_RETURN(amqp::ConnectionSettings settings, amqp::ParseUrl(url));
  settings.heartbeat = std::chrono::duration_cast<std::chrono::seconds>(heartbeat);
  settings.login = login == "external" ? amqp::LoginMethod::kExternal : amqp::LoginMethod::kPlain;
  if (settings.tls) settings.tls = tls;
  return settings;
}

Status CheckTogether(const Options& options) {
  if (!IsValidHostName(options.agent.host)) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 "host: 1 to 255 of letters, digits, '.', '_' and '-'", {{"field", "host"}});
  }
  if (!options.agent.paths.state_dir.is_absolute()) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 "state_dir: must be an absolute path", {{"field", "state_dir"}});
  }
  return grpc::CheckEndpoint(options.scheduler_address, options.scheduler_tls);
}

}  // namespace

Expected<Options> LoadOptions(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(Config config, Config::Load(file));
  Options options;
  ReadAgent(config, options.agent);
  const Status compute = ReadCompute(config, options.agent);
  const Status pci = ReadPci(config, options);
  const Status mdevs = ReadMdevTypes(config, options.agent);
  ReadImages(config, options.images, options.agent.image_size_limit_gb);
  options.images.paths = options.agent.paths;
  const Status guest = ReadGuestOptions(config, options.guest);
  const SwtpmNames swtpm = ReadSwtpm(config, options.agent);
  const Status serial = ReadSerialConsole(config, options);
  options.default_ephemeral_format = config.Choice(
      "default_ephemeral_format", "", {"", "ext2", "ext3", "ext4", "xfs", "vfat", "ntfs"});
  options.libvirt_uri = config.String("libvirt.uri", "qemu:///system");
  options.virt_type = config.Choice("libvirt.virt_type", "auto", {"auto", "kvm", "qemu"});
  auto amqp = ReadAmqp(config);
  options.scheduler_address = config.String("scheduler.address", "127.0.0.1:9500");
  options.scheduler_authority = config.String("scheduler.authority", "");
  options.scheduler_tls.ca = config.String("scheduler.tls.ca", "");
  options.scheduler_tls.cert = config.String("scheduler.tls.cert", "");
  options.scheduler_tls.key = config.String("scheduler.tls.key", "");
  options.journal_reserve_bytes =
      static_cast<std::uint64_t>(config.Int("journal.reserve_mb", 64, 0, 4096)) << 20;
  options.drain_timeout = config.Duration("drain_timeout", options.drain_timeout);
  options.metrics_listen = config.String("metrics.listen", "");
  const std::string level = config.Choice("log.level", "info", {"debug", "info", "warn", "error"});
  options.log.format = config.Choice("log.format", "text", {"text", "journald", "json"});
  options.log.file = config.String("log.file", "");
  RETURN_IF_ERROR(config.Finish());
  RETURN_IF_ERROR(compute);
  RETURN_IF_ERROR(serial);
  RETURN_IF_ERROR(guest);
  RETURN_IF_ERROR(CheckSwtpm(options.agent, swtpm));
  RETURN_IF_ERROR(CheckFileBackedMemory(options.agent));
  RETURN_IF_ERROR(pci);
  RETURN_IF_ERROR(mdevs);
  RETURN_IF_ERROR(amqp.status());
  options.amqp = *std::move(amqp);
  options.amqp.name = "kilonova-agent " + options.agent.host;
  ASSIGN_OR_RETURN(options.log.level, runtime::ParseLogLevel(level));
  RETURN_IF_ERROR(CheckTogether(options));
  options.guest.host = options.agent.host;
  options.guest.paths = options.agent.paths;
  const std::string& mode = options.guest.cpu.mode;
  options.agent.cpu_of_models = mode == "custom" || mode == "none";
  if (mode != "none") options.agent.cpu_model_extra_flags = options.guest.cpu.extra_flags;
  options.agent.displays = options.guest.console.vnc_enabled || options.guest.console.spice_enabled;
  options.guest.swtpm_enabled = options.agent.swtpm_enabled;
  options.guest.file_backed_memory = options.agent.file_backed_memory_mb > 0;
  options.guest.cpu.shared_set = options.agent.cpu_shared_set;
  options.guest.cpu.dedicated_set = options.agent.cpu_dedicated_set;
  options.guest.disk.images_type = options.images.disks.images_type;
  options.guest.disk.preallocate = options.images.disks.preallocate_images;
  options.guest.disk.config_drive_format = options.images.disks.config_drive_format;
  options.printed = config.Print();
  return options;
}

}  // namespace kilonova::agent::app
