// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/features.h"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "common/hardware/constraints.h"
#include "common/hardware/errors.h"
#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

using agent::guest::CheckServed;
using Pair = std::pair<const char*, const char*>;

Status WithSpec(const Pair& pair) {
  auto request = PlainRequest();
  request.flavor.extra_specs[pair.first] = pair.second;
  return CheckServed(request);
}

Status WithProperty(const Pair& pair) {
  auto request = PlainRequest();
  request.image.properties[pair.first] = pair.second;
  return CheckServed(request);
}

TEST(Features, SpecsNotServed_RefusedByName) {
  for (const Pair& pair :
       std::initializer_list<Pair>{{"hw:invented", "1"},
                                   {"hw:viommu_model", "smmuv3"},
                                   {"hw:ephemeral_encryption", "true"},
                                   {"quota:disk_write_iops_sec_max", "10"},
                                   {"pci_passthrough:alias", "gpu:1"},
                                   {"accel:device_profile", "x"},
                                   {"resources:VGPU_DISPLAY_HEAD", "1"},
                                   {"resources1:SRIOV_NET_VF", "2"},
                                   {"resources:CUSTOM_PMEM_NAMESPACE_4GB", "1"}}) {
    const Status status = WithSpec(pair);
    EXPECT_TRUE(HasReason(status, reason::kFeatureNotServed)) << pair.first << Describe(status);
    EXPECT_EQ(DetailsOf(status)["key"], pair.first);
    EXPECT_EQ(DetailsOf(status)["value"], pair.second);
  }
}

TEST(Features, PropertiesNotServed_RefusedByName) {
  for (const Pair& pair :
       std::initializer_list<Pair>{{"hw_disk_bus", "fdc"},
                                   {"hw_cdrom_bus", "virtio"},
                                   {"hw_vif_model", "lan9118"},
                                   {"hw_scsi_model", "BusLogic"},
                                   {"hw_invented", "1"},
                                   // No such property in Nova, alike as it looks.
                                   {"hw_emulator_threads_policy", "share"},
                                   {"hw_emulation_architecture", "aarch64"},
                                   {"hw_ephemeral_encryption", "yes"},
                                   {"hw_vm_mode", "xen"},
                                   {"block_device_mapping", "[{}]"}}) {
    const Status status = WithProperty(pair);
    EXPECT_TRUE(HasReason(status, reason::kFeatureNotServed)) << pair.first << Describe(status);
    EXPECT_EQ(DetailsOf(status)["key"], pair.first);
  }
}

TEST(Features, WithoutEffectOrServed_Passes) {
  for (const Pair& pair :
       std::initializer_list<Pair>{{"capabilities:cpu_info", "x"},
                                   {"aggregate_instance_extra_specs:ssd", "true"},
                                   {"trait:HW_CPU_X86_AVX2", "required"},
                                   {"resources:VCPU", "2"},
                                   {"resources:VGPU", "0"},
                                   {"resources:VGPU", "1"},
                                   {"resources:PCPU", "2"},
                                   {"resources_GPU:VGPU", "2"},
                                   {"ssd", "true"},
                                   {"hw:cpu_policy", "shared"},
                                   {"hw:cpu_policy", "dedicated"},
                                   {"hw:cpu_policy", "mixed"},
                                   {"hw:mem_page_size", "large"},
                                   {"hw:numa_nodes", "2"},
                                   {"hw:numa_cpus.0", "0-1"},
                                   {"hw:serial_port_count", "2"},
                                   {"hw:tpm_version", "2.0"},
                                   {"hw:tpm_model", "tpm-crb"},
                                   {"hw:locked_memory", "False"},
                                   {"hw:locked_memory", "true"},
                                   {"hw:cpu_realtime_mask", "^0"},
                                   {"hw_rng:allowed", "no"},
                                   {"hw:watchdog_action", "reset"},
                                   {"hw:vif_multiqueue_enabled", "true"},
                                   {"quota:cpu_quota", "1000"},
                                   {"quota:cpu_quota", "-1"},
                                   {"quota:vif_inbound_burst", "0"},
                                   {"hw:boot_menu", "perhaps"},
                                   {"quota:disk_read_iops_sec", "10"},
                                   {"quota:vif_inbound_average", "1024"},
                                   {"hw:cpu_max_sockets", "2"}}) {
    EXPECT_TRUE(WithSpec(pair).ok()) << pair.first;
  }
  for (const Pair& pair : std::initializer_list<Pair>{{"os_distro", "debian"},
                                                      {"description", "anything at all"},
                                                      {"hw_video_model", "qxl"},
                                                      {"hw_numa_nodes", "2"},
                                                      {"hw_mem_page_size", "2048"},
                                                      {"hw_firmware_type", "bios"},
                                                      {"hw_firmware_type", "uefi"},
                                                      {"hw_disk_bus", "usb"},
                                                      {"hw_vif_model", "e1000"},
                                                      {"hw_qemu_guest_agent", "yes"},
                                                      {"os_type", "linux"},
                                                      {"os_type", "windows"},
                                                      // Nova reads these as the ones above.
                                                      {"os_type", "Windows"},
                                                      {"vm_mode", "HV"},
                                                      {"hw_vif_model", "VirtualE1000"},
                                                      {"hw_scsi_model", "lsiLogicSAS"},
                                                      {"architecture", "amd64"},
                                                      {"hw_qemu_guest_agent", "perhaps"},
                                                      {"hw_cpu_sockets", " 1_0 "},
                                                      {"hw_emulation_architecture", "AMD64"},
                                                      {"os_require_quiesce", "yes"},
                                                      {"hw_ephemeral_encryption", "no"},
                                                      {"hw_disk_bus", "sata"}}) {
    EXPECT_TRUE(WithProperty(pair).ok()) << pair.first;
  }
}

TEST(Features, PciDevices_AreThoseOfTheFlavorsAliases) {
  const auto check = [](const std::string& spec, std::vector<std::pair<std::string, int>> asked) {
    auto request = PlainRequest();
    if (!spec.empty()) request.flavor.extra_specs["pci_passthrough:alias"] = spec;
    for (const auto& [name, count] : asked) {
      request.pci_requests.push_back({count, {{{"vendor_id", "10de"}}}, name, "", "legacy"});
    }
    return CheckServed(request);
  };
  EXPECT_TRUE(check("gpu:2, nic:1", {{"gpu", 2}, {"nic", 1}}).ok());
  EXPECT_TRUE(HasReason(check("gpu:2", {}), reason::kFeatureNotServed));
  EXPECT_TRUE(HasReason(check("gpu", {{"gpu", 1}}), reason::kFlavorInvalid));
  for (const auto& other : std::initializer_list<std::vector<std::pair<std::string, int>>>{
           {{"gpu", 1}}, {{"gpu", 3}}, {{"nic", 2}}, {{"gpu", 2}, {"gpu", 2}}}) {
    EXPECT_TRUE(HasReason(check("gpu:2", other), reason::kObjectInvalid));
  }
  EXPECT_TRUE(HasReason(check("", {{"gpu", 2}}), reason::kObjectInvalid));
}

TEST(Features, LimitsThatAreNone_AreInvalid) {
  EXPECT_TRUE(HasReason(WithSpec({"quota:disk_read_iops_sec", "many"}), reason::kFlavorInvalid));
  EXPECT_TRUE(HasReason(WithSpec({"quota:cpu_shares", "-1"}), reason::kFlavorInvalid));
  EXPECT_TRUE(HasReason(WithSpec({"quota:vif_inbound_average", "-1"}), reason::kFlavorInvalid));
  EXPECT_TRUE(HasReason(WithSpec({"resources:VGPU", "-1"}), reason::kFlavorInvalid));
  EXPECT_TRUE(HasReason(WithSpec({"resources1:VGPU", "many"}), reason::kFlavorInvalid));
}

// As its own class of exception in Nova, not as a feature that is not served.
TEST(Features, NonsenseInServedKeys_IsRefusedWithNovasException) {
  for (const auto& [key, value, exception] : std::initializer_list<std::array<const char*, 3>>{
           {"hw:cpu_policy", "exclusive", "InvalidCPUAllocationPolicy"},
           {"hw:tpm_version", "3.0", "Invalid"},
           {"hw:watchdog_action", "explode", "InvalidWatchdogAction"},
           {"hw:cpu_cores", "many", "InvalidRequest"},
           {"hw:serial_port_count", "many", "ImageSerialPortNumberInvalid"},
           {"hw:numa_nodes", "0", "InvalidNUMANodesNumber"},
           {"hw_vif_model", "netfront", "UnsupportedHardware"},
           {"hw_disk_bus", "xen", "UnsupportedHardware"},
           {"hw_tpm_model", "tpm-spapr", "ValueError"},
           {"hw_boot_menu", "perhaps", ""}}) {
    auto request = PlainRequest();
    auto& keys = std::string_view(key).find(':') == std::string_view::npos
                     ? request.image.properties
                     : request.flavor.extra_specs;
    keys[key] = value;
    const auto image = hardware::ImageProps::From(request.image.properties);
    Status status = Described(PlainConfig(), request).status();
    if (status.ok() && image.ok()) {
      status = hardware::NumaConstraints({.flavor = request.flavor, .image = *image}).status();
    }
    EXPECT_EQ(status.ok(), *exception == '\0') << key << Describe(status);
    if (!status.ok()) {
      EXPECT_EQ(hardware::NovaExceptionOf(status), exception) << key << Describe(status);
    }
  }
}

TEST(Features, EphemeralDisksAndSwap_AreServed) {
  auto request = PlainRequest();
  request.flavor.ephemeral_gb = 1;
  request.flavor.swap_mb = 1;
  EXPECT_TRUE(CheckServed(request).ok());
}

}  // namespace
}  // namespace kilonova::testing
