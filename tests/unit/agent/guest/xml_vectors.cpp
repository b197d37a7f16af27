// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/agent/guest/xml_vectors.h"

#include <pugixml.hpp>

#include "agent/guest/perf_events.h"

namespace kilonova::testing {
namespace {

using nlohmann::json;
using namespace agent::guest;  // NOLINT(google-build-using-namespace)

constexpr const char* kVtpmSecret = "ffffffff-0000-4000-a000-00000000000a";
constexpr const char* kHostSerial = "dddddddd-0000-4000-a000-00000000000f";

std::string Text(const json& from, const char* key) {
  const auto at = from.find(key);
  return at != from.end() && at->is_string() ? at->get<std::string>() : "";
}

std::optional<std::string> MaybeText(const json& from, const char* key) {
  const auto at = from.find(key);
  if (at == from.end() || !at->is_string()) return std::nullopt;
  return at->get<std::string>();
}

bool Yes(const json& from, const char* key) {
  const auto at = from.find(key);
  return at != from.end() && at->is_boolean() && at->get<bool>();
}

BlockDevice DeviceOf(const json& from) {
  BlockDevice device;
  device.device_name = Text(from, from.contains("mount_device") ? "mount_device" : "device_name");
  device.device_type = Text(from, "device_type");
  device.disk_bus = Text(from, "disk_bus");
  device.guest_format = Text(from, "guest_format");
  if (from.contains("boot_index") && from["boot_index"].is_number()) {
    device.boot_index = from["boot_index"].get<int>();
  }
  return device;
}

VolumeDevice VolumeOf(const json& from) {
  VolumeDevice volume{DeviceOf(from), {}};
  const json& info = from["connection_info"];
  const json& data = info["data"];
  VolumeConnection& to = volume.connection;
  to.driver_volume_type = Text(info, "driver_volume_type");
  to.serial = Text(info, "serial");
  to.multiattach = Yes(info, "multiattach");
  to.device_path = Text(data, "device_path");
  to.name = Text(data, "name");
  to.format = Text(data, "format");
  to.hosts = data.value("hosts", std::vector<std::string>());
  to.ports = data.value("ports", std::vector<std::string>());
  to.auth_enabled = Yes(data, "auth_enabled");
  to.auth_username = Text(data, "auth_username");
  to.secret_type = Text(data, "secret_type");
  to.secret_uuid = MaybeText(data, "secret_uuid");
  to.access_mode = Text(data, "access_mode");
  to.discard = Yes(data, "discard");
  to.qos_specs = data.value("qos_specs", std::map<std::string, std::string>());
  to.logical_block_size = Text(data, "logical_block_size");
  to.physical_block_size = Text(data, "physical_block_size");
  return volume;
}

Vif VifOf(const json& from) {
  Vif vif;
  vif.id = Text(from, "id");
  vif.type = Text(from, "type");
  vif.vnic_type = Text(from, "vnic_type");
  vif.address = Text(from, "address");
  vif.devname = Text(from, "devname");
  vif.bridge = Text(from, "bridge");
  vif.delegate_create = from.value("delegate_create", true);
  if (from.contains("mtu") && from["mtu"].is_number()) vif.mtu = from["mtu"].get<std::int64_t>();
  for (const std::string address : from["ips"]) vif.ips.push_back({"fixed", address, 4});
  const json& details = from["details"];
  vif.details.ovs_hybrid_plug = Yes(details, "ovs_hybrid_plug");
  vif.details.vhostuser_socket = MaybeText(details, "vhostuser_socket");
  if (const auto mode = MaybeText(details, "vhostuser_mode")) vif.details.vhostuser_mode = *mode;
  vif.details.vhostuser_fp_plug = Yes(details, "vhostuser_fp_plug");
  vif.details.vhostuser_ovs_plug = Yes(details, "vhostuser_ovs_plug");
  vif.details.vhostuser_vrouter_plug = Yes(details, "vhostuser_vrouter_plug");
  vif.details.profile_id = MaybeText(details, "profileid");
  vif.details.macvtap_source = MaybeText(details, "macvtap_source");
  vif.details.macvtap_mode = MaybeText(details, "macvtap_mode");
  vif.details.physical_interface = MaybeText(details, "physical_interface");
  vif.details.vlan = MaybeText(details, "vlan");
  vif.details.pci_slot = MaybeText(from["profile"], "pci_slot");
  vif.netdev = "fake_pf_interface_name";  // what Nova's fixture says of every PCI function
  return vif;
}

agent::core::HostCell CellOf(const json& kind, int id, bool huge) {
  const int nodes = kind["cpu_nodes"];
  const int sockets = kind["cpu_sockets"];
  const int cores = kind["cpu_cores"];
  const int threads = kind["cpu_threads"];
  const int cpus = sockets * cores * threads;
  agent::core::HostCell cell;
  cell.id = id;
  cell.memory_kib = kind["kB_mem"].get<std::int64_t>() / nodes;
  for (int i = 0; i < cpus; ++i) {
    const int core = i / threads;
    agent::core::HostCpu cpu{id * cpus + i, core / cores, core % cores, {}};
    for (int t = 0; t < threads; ++t) cpu.siblings.insert(id * cpus + core * threads + t);
    cell.cpus.push_back(cpu);
  }
  std::int64_t small = cell.memory_kib;
  if (huge) small -= (2048 * 2048) + (2 * 1048576);
  cell.pages.push_back({4, small / 4});
  if (huge) {
    cell.pages.push_back({2048, 2048});
    cell.pages.push_back({1048576, 2});
  }
  return cell;
}

// The descriptors of Nova's fixture for x86_64.
std::vector<agent::core::FirmwareDescriptor> Firmware() {
  return {
      {"/usr/share/OVMF/OVMF_CODE.fd",
       "/usr/share/OVMF/OVMF_VARS.fd",
       {{"x86_64", {"pc-i440fx-*", "pc-q35-*"}}},
       {"acpi-s3", "amd-sev", "verbose-dynamic"}},
      {"/usr/share/OVMF/OVMF_CODE.secboot.fd",
       "/usr/share/OVMF/OVMF_VARS.secboot.fd",
       {{"x86_64", {"pc-q35-*"}}},
       {"acpi-s3", "amd-sev", "enrolled-keys", "requires-smm", "secure-boot", "verbose-dynamic"}}};
}

void ReadMachines(const json& family, agent::core::GuestCapabilities& host) {
  pugi::xml_document document;
  document.load_string(family["host"]["capabilities_xml"].get<std::string>().c_str());
  for (const auto& found : document.select_nodes("/capabilities/guest/arch//machine")) {
    const pugi::xml_node machine = found.node();
    pugi::xml_node arch = machine.parent();
    if (std::string_view(arch.name()) == "domain") arch = arch.parent();
    const std::string name = machine.text().get();
    const std::string canonical = machine.attribute("canonical").value();
    if (machine.parent() == arch) host.machine_types.insert(name);
    host.canonical_machines[arch.attribute("name").value()].emplace(
        name, canonical.empty() ? name : canonical);
  }
  for (const char* type : {"pc", "q35"}) {
    const std::string key = std::string(type) + "/kvm";
    document.load_string(family["host"]["domain_capabilities_xml"][key].get<std::string>().c_str());
    const auto loader = document.child("domainCapabilities").child("os").child("loader");
    auto& machine = host.machines[type];
    machine.uefi = loader.select_node("enum[@name='type']/value[.='pflash']").node() != nullptr;
    machine.secure_boot =
        loader.select_node("enum[@name='secure']/value[.='yes']").node() != nullptr;
    host.cpu_models.clear();
    for (const auto& model : document.select_nodes("//cpu/mode[@name='custom']/model")) {
      host.cpu_models.emplace_back(model.node().text().get());
    }
  }
}

template <class T>
void Take(const json& config, const char* key, T& to) {
  if (const auto at = config.find(key); at != config.end()) to = at->get<T>();
}

void TakeOptional(const json& config, const char* key, std::optional<int>& to) {
  if (const auto at = config.find(key); at != config.end()) to = at->get<int>();
}

void TakeCpus(const json& config, const char* key, std::optional<hardware::CpuSet>& to) {
  if (const auto at = config.find(key); at != config.end()) {
    to = hardware::ParseCpuSpec(at->get<std::string>()).value();
  }
}

}  // namespace

agent::core::GuestCapabilities HostOf(const json& family, const json& vector) {
  const std::string kind = vector["host_kind"];
  agent::core::GuestCapabilities host;
  host.host_uuid = kHostSerial;
  ReadMachines(family, host);
  host.firmware = Firmware();
  host.cpu_model_features = {{"Nehalem", {"sse4.1", "sse4.2", "ssse3"}},
                             {"Penryn", {"sse4.1", "ssse3"}},
                             {"qemu64", {"sse2", "svm"}}};
  if (Yes(vector, "sev")) {
    host.amd_sev = true;
    for (const std::string& machine : host.machine_types) {
      host.machines[machine].sev = agent::core::SevCapability{47, 1};
    }
  }
  const json& shape = family["host_kinds"][kind];
  for (int id = 0; id < shape["cpu_nodes"].get<int>(); ++id) {
    host.cells.push_back(CellOf(shape, id, kind == "numa"));
    for (const auto& cpu : host.cells.back().cpus) host.online_cpus.insert(cpu.id);
  }
  return host;
}

GuestConfig ConfigOf(const json& vector) {
  const json& options = vector["config"];
  GuestConfig config;
  config.host = "host-a";
  config.paths.state_dir = "/var/lib/nova";
  config.virt_type = "kvm";
  config.console.vnc_enabled = true;
  Take(options, "libvirt.virt_type", config.virt_type);
  Take(options, "libvirt.cpu_mode", config.cpu.mode);
  Take(options, "libvirt.cpu_models", config.cpu.models);
  Take(options, "libvirt.cpu_model_extra_flags", config.cpu.extra_flags);
  TakeCpus(options, "compute.cpu_shared_set", config.cpu.shared_set);
  TakeCpus(options, "compute.cpu_dedicated_set", config.cpu.dedicated_set);
  Take(options, "libvirt.images_type", config.disk.images_type);
  Take(options, "libvirt.hw_disk_discard", config.disk.discard);
  Take(options, "DEFAULT.config_drive_format", config.disk.config_drive_format);
  Take(options, "libvirt.disk_prefix", config.disk.prefix);
  Take(options, "compute.max_disk_devices_to_attach", config.disk.max_devices);
  if (options.contains("libvirt.file_backed_memory")) config.file_backed_memory = true;
  config.disk.preallocate = options.value("DEFAULT.preallocate_images", "none") == "space";
  Take(options, "workarounds.libvirt_disable_apic", config.disable_apic);
  Take(options, "libvirt.realtime_scheduler_priority", config.cpu.realtime_priority);
  Take(options, "libvirt.num_pcie_ports", config.num_pcie_ports);
  Take(options, "libvirt.mem_stats_period_seconds", config.memory_stats_period);
  Take(options, "libvirt.rng_dev_path", config.rng_dev_path);
  Take(options, "libvirt.sysinfo_serial", config.sysinfo_serial);
  Take(options, "libvirt.use_virtio_for_bridges", config.use_virtio_for_bridges);
  TakeOptional(options, "libvirt.rx_queue_size", config.rx_queue_size);
  TakeOptional(options, "libvirt.tx_queue_size", config.tx_queue_size);
  TakeOptional(options, "libvirt.max_queues", config.max_queues);
  Take(options, "DEFAULT.pointer_model", config.console.pointer_model);
  Take(options, "vnc.enabled", config.console.vnc_enabled);
  Take(options, "vnc.server_listen", config.console.vnc_listen);
  Take(options, "spice.enabled", config.console.spice_enabled);
  Take(options, "spice.agent_enabled", config.console.spice_agent_enabled);
  Take(options, "spice.server_listen", config.console.spice_listen);
  Take(options, "serial_console.enabled", config.console.serial_enabled);
  std::vector<std::string> events;
  Take(options, "libvirt.enabled_perf_events", events);
  config.perf_events = KnownPerfEvents(events);
  std::vector<std::string> pairs;
  Take(options, "libvirt.hw_machine_type", pairs);
  for (const std::string& pair : pairs) {
    const auto equals = pair.find('=');
    config.machine_types.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  pairs.clear();
  Take(options, "libvirt.disk_cachemodes", pairs);
  for (const std::string& pair : pairs) {
    const auto equals = pair.find('=');
    config.disk.cachemodes[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return config;
}

Expected<GuestInput> InputOf(const json& family, const json& vector) {
  GuestInput input;
  const json& image = vector["image"];
  const json& from = vector["instance"];
  if (image.is_object()) {
    ASSIGN_OR_RETURN(input.image, hardware::ImageProps::From(image.value(
                                      "properties", std::map<std::string, std::string>())));
    input.image_disk_format = Text(image, "disk_format");
  }
  input.instance.id = from["id"];
  input.instance.uuid = Uuid::Parse(Text(from, "uuid")).value();
  input.instance.display_name = Text(from, "display_name");
  input.instance.user_id = Text(from, "user_id");
  input.instance.user_name = Text(from, "user_name");
  input.instance.project_id = Text(from, "project_id");
  input.instance.project_name = Text(from, "project_name");
  input.instance.created_at = ParseTime("2023-06-01T12:00:00Z").value();
  input.os_type = Text(from, "os_type");
  input.kernel = !Text(from, "kernel_id").empty();
  input.ramdisk = !Text(from, "ramdisk_id").empty();
  if (const std::string id = Text(from, "image_ref"); !id.empty()) {
    input.image_id = Uuid::Parse(id).value();
  }
  const json& flavor = vector["flavor"];
  input.flavor.name = Text(flavor, "name");
  input.flavor.flavorid = Text(flavor, "flavorid");
  input.flavor.vcpus = flavor["vcpus"];
  input.flavor.memory_mb = flavor["memory_mb"];
  input.flavor.root_gb = flavor["root_gb"];
  input.flavor.ephemeral_gb = flavor["ephemeral_gb"];
  input.flavor.swap_mb = flavor["swap"];
  input.flavor.extra_specs = flavor["extra_specs"].get<model::ExtraSpecs>();
  input.config_drive = !Text(from, "config_drive").empty();
  for (const json& vif : vector["vifs"]) input.vifs.push_back(VifOf(vif));
  for (const json& volume : vector["volumes"]) {
    input.block_devices.volumes.push_back(VolumeOf(volume));
  }
  for (const json& one : vector["ephemerals"]) {
    input.block_devices.ephemerals.push_back(DeviceOf(one));
  }
  if (const auto blocks = vector.find("block_devices"); blocks != vector.end()) {
    input.block_devices.root_device_name = Text(*blocks, "root_device_name");
    if (blocks->contains("image")) input.block_devices.image = DeviceOf(blocks->at("image"));
    if (blocks->contains("swap")) input.block_devices.swap = DeviceOf(blocks->at("swap"));
  }
  if (const std::string secret = Text(vector, "volume_secret"); !secret.empty()) {
    for (VolumeDevice& volume : input.block_devices.volumes) {
      if (!volume.connection.serial.empty()) volume.connection.encryption_secret = secret;
    }
  }
  input.mdevs = vector.value("mdevs", std::vector<std::string>());
  if (const json& rescue = vector["rescue"]; rescue.is_object()) {
    input.rescue = Rescue{!Text(rescue, "kernel_id").empty(), !Text(rescue, "ramdisk_id").empty(),
                          input.image};
    if (Yes(vector, "legacy_rescue")) input.rescue->stable.reset();
  }
  for (const json& device : vector["pci_devices"]) {
    input.pci_devices.push_back(Text(device, "address"));
  }
  input.vtpm_secret = kVtpmSecret;
  input.serial_ports = {10000, 10001, 10002, 10003};
  input.libvirt_version = family["host"]["libvirt_version_default"];
  if (const json& version = vector["libvirt_version"]; version.is_array()) {
    input.libvirt_version = (version[0].get<std::int64_t>() * 1'000'000) +
                            (version[1].get<std::int64_t>() * 1'000) + version[2].get<int>();
  }
  // As in production: what this adds to Nova's document is taken out again, and listed.
  input.owner = agent::core::OwnerTag{"host-a", 3,
                                      Uuid::Parse("11111111-2222-4333-8444-555555555555").value()};
  input.base = agent::core::CachedImage{"/var/lib/nova/images/aa.raw", "raw", 1 << 20};
  return input;
}

}  // namespace kilonova::testing
