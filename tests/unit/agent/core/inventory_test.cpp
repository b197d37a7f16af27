// SPDX-License-Identifier: Apache-2.0
#include "agent/core/inventory.h"

#include <gmock/gmock.h>

#include "agent/core/cpu_traits.h"
#include "tests/support/agent_harness.h"

namespace kilonova::testing {
namespace {

using namespace agent::core;  // NOLINT: all of it is under test
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Inventory, IsNovasDerivation) {
  AgentSettings settings;
  settings.reserved_host_cpus = 1;
  settings.reserved_host_disk_mb = 1025;  // rounded up, as Nova does
  HostFacts facts;
  facts.cpus = 16;
  facts.memory_mb = 32000;
  const auto inventories = MakeInventories(settings, facts, {100, 50, 1000});
  const auto& vcpu = inventories.at("VCPU");
  EXPECT_EQ(vcpu.total, 16);
  EXPECT_EQ(vcpu.reserved, 1);
  EXPECT_EQ(vcpu.max_unit, 16);
  EXPECT_EQ(vcpu.Capacity(), 60);
  EXPECT_EQ(inventories.at("MEMORY_MB").Capacity(), 32000 - 512);
  EXPECT_EQ(inventories.at("DISK_GB").reserved, 2);
  EXPECT_EQ(inventories.at("DISK_GB").max_unit, 100);
  EXPECT_TRUE(MakeInventories(settings, HostFacts{}, {}).empty());
}

TEST(Inventory, TraitsAreOfWhatIsServed) {
  HostFacts facts;
  facts.arch = "x86_64";
  facts.swtpm = true;
  facts.libvirt_version = 8002000;
  AgentSettings settings;
  const auto traits = [&] { return MakeHostReport(settings, facts, {}).traits; };
  EXPECT_THAT(traits(), Contains("COMPUTE_STORAGE_BUS_IDE"));
  EXPECT_THAT(traits(), Contains("COMPUTE_NET_VIF_MODEL_E1000"));
  EXPECT_THAT(traits(), Contains("COMPUTE_VIOMMU_MODEL_INTEL"));
  EXPECT_THAT(traits(), Not(Contains("COMPUTE_VIOMMU_MODEL_VIRTIO")));
  EXPECT_THAT(traits(), Not(Contains(StartsWith("COMPUTE_SECURITY_TPM"))));
  EXPECT_THAT(traits(), Contains("COMPUTE_IMAGE_TYPE_ISO"));
  facts.libvirt_version = 8003000;
  EXPECT_THAT(traits(), Contains("COMPUTE_VIOMMU_MODEL_VIRTIO"));
  settings.swtpm_enabled = true;
  EXPECT_THAT(traits(), Contains("COMPUTE_SECURITY_TPM_1_2"));
  EXPECT_THAT(traits(), Contains("COMPUTE_SECURITY_TPM_2_0"));
  facts.swtpm = false;  // uninstalled since
  EXPECT_THAT(traits(), Not(Contains(StartsWith("COMPUTE_SECURITY_TPM"))));
}

TEST(Inventory, CpuTraitsAreOfWhatGuestsGet) {
  HostFacts facts;
  facts.cpu_features = {"aes", "avx2", "svm"};
  facts.guests.cpu_model_features = {{"Nehalem", {"sse4.2"}}, {"Westmere", {"aes", "sse4.2"}}};
  AgentSettings settings;
  const auto traits = [&] { return MakeHostReport(settings, facts, {}).traits; };
  EXPECT_THAT(traits(), Contains("HW_CPU_X86_AVX2"));
  EXPECT_THAT(traits(), Not(Contains("HW_CPU_X86_SSE42")));
  settings.cpu_model_extra_flags = {"+AVX512F", "-AVX2", "bmi2"};
  EXPECT_THAT(traits(), Not(Contains("HW_CPU_X86_AVX2")));
  EXPECT_THAT(traits(), Contains("HW_CPU_X86_AVX512F"));
  EXPECT_THAT(traits(), Contains("HW_CPU_X86_BMI2"));
  settings.cpu_of_models = true;
  settings.cpu_model_extra_flags = {};
  EXPECT_THAT(traits(), Contains("HW_CPU_X86_SSE42"));
  EXPECT_THAT(traits(), Contains("HW_CPU_X86_AESNI"));
  EXPECT_THAT(traits(), Not(Contains("HW_CPU_X86_AVX2")));
  facts.guests.cpu_model_features.clear();  // libvirt does not say
  EXPECT_THAT(traits(), Not(Contains(StartsWith("HW_CPU"))));
}

TEST(Inventory, DisplaysAreSaidWhereGuestsHaveThem) {
  HostFacts facts;
  facts.guests.machines["q35"].video_models = {"virtio", "ramfb"};
  AgentSettings settings;
  const auto traits = [&] { return MakeHostReport(settings, facts, {}).traits; };
  EXPECT_THAT(traits(), Not(Contains(StartsWith("COMPUTE_GRAPHICS_MODEL"))));
  settings.displays = true;
  EXPECT_THAT(traits(), Contains("COMPUTE_GRAPHICS_MODEL_VIRTIO"));
  EXPECT_THAT(traits(), Not(Contains("COMPUTE_GRAPHICS_MODEL_VGA")));
}

TEST(Inventory, FileBackedMemoryIsWhatIsOffered) {
  AgentSettings settings;
  settings.file_backed_memory_mb = 1 << 20;
  HostFacts facts;
  facts.memory_mb = 32000;
  const model::Inventory memory = MakeInventories(settings, facts, {}).at("MEMORY_MB");
  EXPECT_EQ(memory.total, 1 << 20);
  EXPECT_EQ(memory.max_unit, 1 << 20);
  EXPECT_EQ(memory.reserved, 512);
}

TEST(Inventory, ASharedDiskIsNotTheHosts) {
  AgentSettings settings;
  EXPECT_TRUE(MakeInventories(settings, {}, {.disk_total_gb = 100}).contains("DISK_GB"));
  settings.shared_disk = true;
  EXPECT_FALSE(MakeInventories(settings, {}, {.disk_total_gb = 100}).contains("DISK_GB"));
}

TEST(Inventory, EncryptedGuestsHaveSlotsWhereTheHostCanEncrypt) {
  HostFacts facts;
  AgentSettings settings;
  settings.num_memory_encrypted_guests = 15;
  EXPECT_FALSE(MakeInventories(settings, facts, {}).contains(kMemEncryptionContext));
  facts.guests.amd_sev = true;
  const auto inventories = MakeInventories(settings, facts, {});
  EXPECT_EQ(inventories.at("MEM_ENCRYPTION_CONTEXT").Capacity(), 15);
  EXPECT_EQ(inventories.at("MEM_ENCRYPTION_CONTEXT").max_unit, 1);
  EXPECT_EQ(MakeInventories({}, facts, {}).at("MEM_ENCRYPTION_CONTEXT").total, INT32_MAX);
  settings.num_memory_encrypted_guests = 0;
  EXPECT_FALSE(MakeInventories(settings, facts, {}).contains(kMemEncryptionContext));
  EXPECT_THAT(MakeHostReport(settings, facts, {}).traits, Contains("HW_CPU_X86_AMD_SEV"));
  EXPECT_EQ(ResourcesWanted({}, {}, true, inventories).at("MEM_ENCRYPTION_CONTEXT"), 1);
  EXPECT_FALSE(ResourcesWanted({}, {}, false, inventories).contains(kMemEncryptionContext));
}

TEST(Inventory, SecureBootNeedsAFirmwareForTheMachine) {
  HostFacts facts;
  facts.arch = "x86_64";
  facts.guests.machines["q35"] = {.uefi = true, .secure_boot = true, .sev = {}};
  facts.guests.canonical_machines["x86_64"] = {{"pc", "pc-i440fx-7.2"}, {"q35", "pc-q35-7.2"}};
  const auto served = [&] {
    const auto report = MakeHostReport(AgentSettings(), facts, {});
    return std::ranges::find(report.traits, "COMPUTE_SECURITY_UEFI_SECURE_BOOT") !=
           report.traits.end();
  };
  EXPECT_FALSE(served());
  FirmwareDescriptor plain;
  plain.targets = {{.architecture = "x86_64", .machines = {"pc-i440fx-*", "pc-q35-*"}}};
  facts.guests.firmware = {plain};
  EXPECT_FALSE(served());
  FirmwareDescriptor secure = plain;
  secure.features = {"secure-boot"};
  facts.guests.firmware = {plain, secure};
  EXPECT_TRUE(served());
  facts.guests.firmware[1].targets[0].machines = {"pc-i440fx-*"};
  EXPECT_FALSE(served());
  facts.guests.firmware = {secure};
  facts.guests.machines["q35"].secure_boot = false;
  EXPECT_FALSE(served());
}

TEST(Inventory, CpuInfoIsNovasJson) {
  HostFacts facts;
  facts.arch = "x86_64";
  facts.cpu_model = "Odd \"one\"";
  facts.cpu_vendor = "AMD";
  facts.sockets = 2;
  facts.cores = 4;
  facts.threads = 1;
  facts.cpu_features = {"aes", "sse4.1"};
  EXPECT_EQ(CpuInfoJson(facts),
            "{\"arch\": \"x86_64\", \"model\": \"Odd \\\"one\\\"\", \"vendor\": \"AMD\", "
            "\"topology\": {\"cells\": 1, \"sockets\": 2, \"cores\": 4, \"threads\": 1}, "
            "\"features\": [\"aes\", \"sse4.1\"]}");
}

TEST(CpuTraits, FollowNovasTable) {
  EXPECT_THAT(
      CpuTraits({"avx2", "sse4.1", "vmx", "made-up"}),
      ElementsAre("HW_CPU_X86_AVX2", "HW_CPU_X86_INTEL_VMX", "HW_CPU_X86_SSE41", "HW_CPU_X86_VMX"));
}

}  // namespace
}  // namespace kilonova::testing
