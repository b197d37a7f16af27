// SPDX-License-Identifier: Apache-2.0
#include "agent/app/options.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace kilonova::agent::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OptionsTest : public ::testing::Test {
 protected:
  OptionsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "kilonova-opt-XXXXXX").string();
    dir_ = mkdtemp(name.data());
  }
  ~OptionsTest() override { std::filesystem::remove_all(dir_); }
  Expected<Options> Load(const std::string& yaml) {
    const auto file = dir_ / "agent.yaml";
    std::ofstream(file) << yaml;
    chmod(file.c_str(), 0600);
    return LoadOptions(file);
  }
  void ExpectRefused(const std::string& yaml, const char* field) {
    const auto options = Load(yaml);
    ASSERT_FALSE(options.ok()) << yaml;
    EXPECT_TRUE(HasReason(options.status(), reason::kConfigInvalid)) << Describe(options.status());
    EXPECT_THAT(std::string(Message(options.status())), HasSubstr(field));
  }
  std::filesystem::path dir_;
};

TEST_F(OptionsTest, SerialConsole_AsNovasOptions) {
  auto options = Load("");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  EXPECT_FALSE(options->guest.console.serial_enabled);
  EXPECT_EQ(options->agent.serial_console.first_port, 10'000);
  EXPECT_EQ(options->agent.serial_console.end_port, 20'000);
  options = Load("serial_console: {enabled: true, port_range: '7:9', proxyclient_address: '::1'}");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  EXPECT_TRUE(options->guest.console.serial_enabled);
  EXPECT_TRUE(options->agent.serial_console.enabled);
  EXPECT_EQ(options->guest.console.serial_address, "::1");
  EXPECT_EQ(options->agent.serial_console.proxyclient_address, "::1");
  EXPECT_EQ(options->agent.serial_console.first_port, 7);
  EXPECT_EQ(options->agent.serial_console.end_port, 9);
  for (const char* range : {"9:9", "9:7", "x:9", "7:9x", "7", "", "0:9", "7:65537", "-1:9"}) {
    ExpectRefused(std::string("serial_console: {port_range: '") + range + "'}", "port_range");
  }
  ExpectRefused("serial_console: {proxyclient_address: console.example}", "proxyclient_address");
}

TEST_F(OptionsTest, PciDeviceSpec_AsNovasOption) {
  EXPECT_EQ(Load("")->pci_device_specs, nullptr);
  const auto options = Load(R"(pci: {device_spec: ['{"vendor_id": "10de"}', '[{"a": "b"}]']})");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  ASSERT_NE(options->pci_device_specs, nullptr);
  hardware::PciDevice device;
  device.address = "0000:05:00.0";
  device.vendor_id = "8086";
  const auto* tags = options->pci_device_specs->TagsFor(device, {});
  ASSERT_NE(tags, nullptr);
  EXPECT_EQ(tags->at("a"), "b");
  ExpectRefused("pci: {device_spec: ['{\"vendor_id\": \"nvidia\"}']}", "pci.device_spec");
  ExpectRefused("pci: {device_spec: [nonsense]}", "pci.device_spec");
}

TEST_F(OptionsTest, SharedDisk) {
  EXPECT_FALSE(Load("")->agent.shared_disk);
  EXPECT_TRUE(Load("inventory: {shared_disk: true}")->agent.shared_disk);
}

TEST_F(OptionsTest, MdevTypes_AsNovasDevices) {
  auto options = Load("");
  ASSERT_TRUE(options.ok());
  EXPECT_TRUE(options->agent.mdev_types.Empty());
  options = Load(R"(
devices: {enabled_mdev_types: [nvidia-35, nvidia-36]}
mdev_nvidia-35: {device_addresses: ['0000:06:00.0'], traits: [CUSTOM_SMALL]}
mdev_nvidia-36: {device_addresses: ['0000:07:00.0', '0000:08:00.0'], mdev_class: CUSTOM_BIG}
)");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  const auto& types = options->agent.mdev_types;
  EXPECT_EQ(types.TypeOf("pci_0000_06_00_0"), "nvidia-35");
  EXPECT_EQ(types.TypeOf("pci_0000_08_00_0"), "nvidia-36");
  EXPECT_EQ(types.ClassOf("pci_0000_08_00_0"), "CUSTOM_BIG");
  EXPECT_THAT(types.TraitsOf("pci_0000_06_00_0"), ::testing::ElementsAre("CUSTOM_SMALL"));
  // The names they once had; the newer one goes before.
  options = Load(R"(
devices: {enabled_vgpu_types: [a, b]}
vgpu_a: {device_addresses: ['0000:06:00.0']}
mdev_a: {mdev_class: CUSTOM_A}
mdev_b: {device_addresses: ['0000:07:00.0']}
)");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  EXPECT_EQ(options->agent.mdev_types.TypeOf("pci_0000_06_00_0"), "a");
  EXPECT_EQ(options->agent.mdev_types.ClassOf("pci_0000_06_00_0"), "CUSTOM_A");
  options = Load("devices: {enabled_vgpu_types: [a], enabled_mdev_types: [b]}");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->agent.mdev_types.TypeOf("x"), "b");
  const std::string two = "devices: {enabled_mdev_types: [a, b]}\n";
  const std::string a = "mdev_a: {device_addresses: ['0000:06:00.0']}\n";
  ExpectRefused(two + a + "mdev_b: {device_addresses: ['0000:06:00.0']}",
                "mdev_b.device_addresses: '0000:06:00.0'");
  ExpectRefused(two + a + "vgpu_b: {device_addresses: ['0000:06:00.8']}", "0000:06:00.8");
  ExpectRefused(two + a + "mdev_b: {mdev_class: GPU}", "mdev_b.mdev_class: 'GPU'");
  ExpectRefused(two + a + "mdev_b: {max_instances: 3}", "mdev_b.max_instances");
  ExpectRefused(two + a + "mdev_c: {device_addresses: ['0000:06:00.0']}", "mdev_c");
  ExpectRefused("devices: {enabled_mdev_types: ['../x']}", "devices.enabled_mdev_types");
  ExpectRefused("devices: {enabled_mdev_types: a}", "devices.enabled_mdev_types");
  ExpectRefused("mdev_a: {mdev_class: VGPU}", "mdev_a.mdev_class");
}

TEST_F(OptionsTest, Swtpm_NeedsItsProgramsUserAndGroup) {
  const auto program = [this](const char* name) {
    std::ofstream(dir_ / name) << "#!/bin/sh\n";
    chmod((dir_ / name).c_str(), 0755);
  };
  const std::string path = std::getenv("PATH");
  setenv("PATH", dir_.c_str(), 1);
  const std::string on = "libvirt: {swtpm_enabled: true, swtpm_user: root, swtpm_group: root}";
  ExpectRefused(on, "swtpm");
  program("swtpm");
  ExpectRefused(on, "swtpm_setup");
  program("swtpm_setup");
  const auto options = Load(on);
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  EXPECT_TRUE(options->agent.swtpm_enabled);
  EXPECT_TRUE(options->guest.swtpm_enabled);
  ExpectRefused("libvirt: {swtpm_enabled: true, swtpm_user: nobody-at-all, swtpm_group: root}",
                "libvirt.swtpm_user");
  ExpectRefused("libvirt: {swtpm_enabled: true, swtpm_user: root, swtpm_group: nobody-at-all}",
                "libvirt.swtpm_group");
  setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(Load("libvirt: {swtpm_user: nobody-at-all}").ok()) << "nobody asks when it is off";
}

TEST_F(OptionsTest, FileBackedMemory_NoOvercommitAndMoreThanIsReserved) {
  const auto options = Load("libvirt: {file_backed_memory: 4096}");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  EXPECT_EQ(options->agent.file_backed_memory_mb, 4096);
  EXPECT_TRUE(options->guest.file_backed_memory);
  EXPECT_FALSE(Load("")->guest.file_backed_memory);
  ExpectRefused("libvirt: {file_backed_memory: 4096}\ninventory: {ram_allocation_ratio: 1.5}",
                "ram_allocation_ratio");
  ExpectRefused("libvirt: {file_backed_memory: 512}", "file_backed_memory");
  ExpectRefused("libvirt: {file_backed_memory: -1}", "file_backed_memory");
}

TEST_F(OptionsTest, PerfEvents_AsNovasOption) {
  // As Nova: what libvirt does not know and what the kernel has no more is left out, not refused.
  const auto options = Load(
      "libvirt: {enabled_perf_events: [cpu_clock, cmt, nonsense, mbml, page_faults_maj, "
      "CPU_CYCLES, "
      "mbmt, cpu_clock, '']}");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  EXPECT_THAT(options->guest.perf_events, ElementsAre("cpu_clock", "page_faults_maj"));
  EXPECT_TRUE(Load("")->guest.perf_events.empty());
}

TEST_F(OptionsTest, Guests_AsNovasOptions) {
  const auto options = Load(R"(
pointer_model: ps2mouse
vnc: {enabled: true, server_listen: 0.0.0.0}
spice: {enabled: true, agent_enabled: false, server_listen: "::1"}
workarounds: {libvirt_disable_apic: true}
compute: {max_disk_devices_to_attach: 5}
guest: {dhcp_domain: example}
libvirt:
  hw_machine_type: ["x86_64=q35", "aarch64=virt", "x86_64=pc"]
  cpu_mode: custom
  cpu_models: [Nehalem, Haswell]
  cpu_model_extra_flags: ["+aes", "-svm"]
  disk_cachemodes: ["file=writeback", "block=none"]
  hw_disk_discard: unmap
  disk_prefix: sd
  use_virtio_for_bridges: false
  rx_queue_size: 512
  tx_queue_size: 1024
  max_queues: 4
  num_pcie_ports: 16
  rng_dev_path: /dev/hwrng
  sysinfo_serial: os
)");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  const guest::GuestConfig& guest = options->guest;
  EXPECT_EQ(guest.console.pointer_model, "ps2mouse");
  EXPECT_TRUE(guest.console.vnc_enabled);
  EXPECT_EQ(guest.console.vnc_listen, "0.0.0.0");
  EXPECT_TRUE(options->agent.displays);
  EXPECT_TRUE(options->agent.cpu_of_models);
  EXPECT_EQ(options->agent.cpu_model_extra_flags, guest.cpu.extra_flags);
  EXPECT_TRUE(guest.console.spice_enabled);
  EXPECT_FALSE(guest.console.spice_agent_enabled);
  EXPECT_EQ(guest.console.spice_listen, "::1");
  EXPECT_TRUE(guest.disable_apic);
  EXPECT_EQ(guest.disk.max_devices, 5);
  EXPECT_EQ(guest.dhcp_domain, "example");
  EXPECT_EQ(guest.machine_types.at("aarch64"), "virt");
  EXPECT_EQ(guest.machine_types.at("x86_64"), "q35");
  EXPECT_EQ(guest.cpu.models, (std::vector<std::string>{"Nehalem", "Haswell"}));
  EXPECT_EQ(guest.cpu.extra_flags, (std::vector<std::string>{"+aes", "-svm"}));
  EXPECT_EQ(guest.disk.cachemodes.at("file"), "writeback");
  EXPECT_EQ(guest.disk.discard, "unmap");
  EXPECT_EQ(guest.disk.prefix, "sd");
  EXPECT_FALSE(guest.use_virtio_for_bridges);
  EXPECT_EQ(guest.rx_queue_size, 512);
  EXPECT_EQ(guest.tx_queue_size, 1024);
  EXPECT_EQ(guest.max_queues, 4);
  EXPECT_EQ(guest.num_pcie_ports, 16);
  EXPECT_EQ(guest.rng_dev_path, "/dev/hwrng");
  EXPECT_EQ(guest.sysinfo_serial, "os");
  const auto plain = Load("");
  EXPECT_FALSE(plain->guest.console.vnc_enabled);
  EXPECT_FALSE(plain->agent.cpu_of_models);
  EXPECT_FALSE(plain->guest.rx_queue_size.has_value());
  EXPECT_FALSE(plain->guest.max_queues.has_value());
  EXPECT_EQ(plain->guest.disk.max_devices, -1);
}

TEST_F(OptionsTest, Guests_NonsenseIsRefusedByName) {
  ExpectRefused("libvirt: {hw_machine_type: [q35]}", "hw_machine_type");
  ExpectRefused("libvirt: {cpu_mode: custom}", "cpu_models");
  ExpectRefused("libvirt: {cpu_models: [Nehalem]}", "cpu_models");
  ExpectRefused("libvirt: {disk_cachemodes: ['file=quick']}", "disk_cachemodes");
  ExpectRefused("libvirt: {disk_cachemodes: ['tape=none']}", "disk_cachemodes");
  ExpectRefused("libvirt: {rx_queue_size: 300}", "rx_queue_size");
  ExpectRefused("libvirt: {num_pcie_ports: 29}", "num_pcie_ports");
  ExpectRefused("libvirt: {disk_prefix: 'x/y'}", "disk_prefix");
  ExpectRefused("libvirt: {rng_dev_path: urandom}", "rng_dev_path");
  ExpectRefused("compute: {max_disk_devices_to_attach: 0}", "max_disk_devices_to_attach");
  const auto old = Load("libvirt: {cpu_mode: custom, cpu_model: Nehalem}");
  ASSERT_TRUE(old.ok()) << Describe(old.status());
  EXPECT_EQ(old->guest.cpu.models, (std::vector<std::string>{"Nehalem"}));
}

}  // namespace
}  // namespace kilonova::agent::app
