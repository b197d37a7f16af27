// SPDX-License-Identifier: Apache-2.0
// The small parts of core: inventory, traits, console, claims, faults, the queue.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "agent/core/console.h"
#include "agent/core/cpu_traits.h"
#include "agent/core/faults.h"
#include "agent/core/host_claims.h"
#include "agent/core/instance_files.h"
#include "agent/core/inventory.h"
#include "agent/core/operation_queue.h"
#include "agent/core/template_check.h"
#include "agent/core/waiting.h"
#include "common/model/bounds.h"
#include "tests/support/agent_harness.h"
#include "tests/support/temp_dir.h"

namespace kilonova::testing {
namespace {

namespace fs = std::filesystem;
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

TEST(Console, IsTheLastBytesOverBothFiles) {
  const TempDir dir;
  const fs::path log = dir.path() / "console.log";
  EXPECT_EQ(ReadConsoleTail(log, 10)->output, "");
  std::ofstream(log) << std::string("new\0\xff", 5);
  std::ofstream(log.string() + ".0") << "older";
  EXPECT_EQ(ReadConsoleTail(log, 100)->output, "older" + std::string("new\0\xff", 5));
  EXPECT_FALSE(ReadConsoleTail(log, 100)->truncated);
  EXPECT_EQ(ReadConsoleTail(log, 7)->output, "er" + std::string("new\0\xff", 5));
  EXPECT_TRUE(ReadConsoleTail(log, 7)->truncated);
  EXPECT_EQ(ReadConsoleTail(log, 2)->output, std::string("\0\xff", 2));
  std::ofstream(log) << std::string(model::kMaxConsoleBytes + 5, 'x');
  EXPECT_EQ(ReadConsoleTail(log, SIZE_MAX)->output.size(), model::kMaxConsoleBytes);
}

TEST(Console, FollowsNoLink) {
  const TempDir dir;
  std::ofstream(dir.path() / "secret") << "secret";
  fs::create_symlink(dir.path() / "secret", dir.path() / "console.log");
  EXPECT_FALSE(ReadConsoleTail(dir.path() / "console.log", 100).ok());
}

TEST(HostClaims, NeverBeyondCapacity) {
  HostClaims claims;
  model::Inventory memory;
  memory.total = 1000;
  const model::Inventories inventories = {{"MEMORY_MB", memory}};
  EXPECT_TRUE(claims.Claim(NthUuid(1), {{"MEMORY_MB", 600}}, inventories, {}).ok());
  EXPECT_TRUE(claims.Claim(NthUuid(1), {{"MEMORY_MB", 600}}, inventories, {}).ok());  // its own
  const Status full = claims.Claim(NthUuid(2), {{"MEMORY_MB", 401}}, inventories, {}).status();
  EXPECT_EQ(ReasonOf(full), "HOST_RESOURCES_EXHAUSTED");
  EXPECT_EQ(DetailsOf(full).at("free"), "400");
  EXPECT_FALSE(claims.Claim(NthUuid(3), {{"CUSTOM_GPU", 1}}, inventories, {}).ok());
  claims.Release(NthUuid(1));
  EXPECT_TRUE(claims.Claim(NthUuid(2), {{"MEMORY_MB", 401}}, inventories, {}).ok());
  EXPECT_EQ(claims.Used().at("MEMORY_MB"), 401);
}

TEST(Faults, HostsAreRetriedRequestsAreNot) {
  const auto retryable = [](Reason why) { return IsRetryable(Error(Code::kInternal, why, "m")); };
  for (const Reason why :
       {reason::kHostDiskFull, reason::kHostNetworkMissing, reason::kHypervisorUnavailable,
        reason::kHypervisorRefused, reason::kHostResourcesExhausted, reason::kImageFetchFailed}) {
    EXPECT_TRUE(retryable(why)) << why.name;
  }
  for (const Reason why :
       {reason::kImageUnsafe, reason::kImageChecksumMismatch, reason::kFlavorMismatch,
        reason::kFlavorNotFound, reason::kFlavorDiskTooSmall, reason::kFeatureNotServed,
        reason::kClaimStale, reason::kBuildAbandoned, reason::kImageSourceForbidden}) {
    EXPECT_FALSE(retryable(why)) << why.name;
  }
}

TEST(Faults, OperatorsWordsStayBehind) {
  const auto fault = MakeFault(Error(Code::kInternal, reason::kHypervisorRefused, "refused",
                                     {{kOperatorDetail, "/etc/x"}, {"field", "vcpus"}}));
  EXPECT_EQ(fault.message, "refused; field: vcpus");
}

TEST(TemplateCheck, ImageMustFitItsFlavor) {
  auto build = MakeBuild(1);
  build.image.min_ram_mb = 513;
  EXPECT_EQ(ReasonOf(CheckImageFitsFlavor(build)), "FLAVOR_MEMORY_TOO_SMALL");
  build.image.min_ram_mb = 512;
  build.image.min_disk_gb = 2;
  EXPECT_EQ(ReasonOf(CheckImageFitsFlavor(build)), "FLAVOR_DISK_TOO_SMALL");
  build.flavor.root_gb = 0;  // the image's own size
  EXPECT_TRUE(CheckImageFitsFlavor(build).ok());
}

TEST(InstanceFiles, ModesDoNotDependOnTheUmask) {
  const TempDir dir;
  const Paths paths{dir.path() / "state"};
  for (const mode_t mask : {mode_t{0}, mode_t{077}}) {
    const mode_t before = umask(mask);
    ASSERT_TRUE(PrepareStateDir(paths).ok());
    ASSERT_TRUE(MakeInstanceDir(paths, NthUuid(1)).ok());
    umask(before);
    EXPECT_EQ(fs::status(paths.state_dir).permissions(), fs::perms(0711));
    EXPECT_EQ(fs::status(paths.Downloads()).permissions(), fs::perms(0700));
    EXPECT_EQ(fs::status(paths.Instance(NthUuid(1))).permissions(), fs::perms(0711));
    ASSERT_TRUE(RemoveInstanceDir(paths, NthUuid(1)).ok());
    EXPECT_TRUE(RemoveInstanceDir(paths, NthUuid(1)).ok());
  }
  EXPECT_TRUE(RemoveInstanceDir(paths, Uuid()).ok());
  EXPECT_TRUE(fs::exists(paths.Instances()));
}

TEST(OperationQueue, OneAtATimePerInstanceAndInOrder) {
  OperationQueue queue(4);
  queue.Start();
  constexpr int kInstances = 20, kJobs = 30;
  std::vector<std::atomic<int>> running(kInstances), next(kInstances);
  std::atomic<bool> wrong = false;
  for (int j = 0; j < kJobs; ++j) {
    for (int i = 0; i < kInstances; ++i) {
      const auto at = static_cast<std::size_t>(i);
      queue.Push({NthUuid(i), JobKind::kAction, j % 2 == 0, 1, false, [&, at, j](Cancellation&) {
                    if (running[at]++ != 0 || next[at]++ != j) wrong = true;
                    std::this_thread::yield();
                    --running[at];
                  }});
    }
  }
  queue.WaitIdle();
  EXPECT_FALSE(wrong);
  for (const auto& n : next) EXPECT_EQ(n, kJobs);
}

TEST(OperationQueue, SlowJobsLeaveAThreadToQuickOnes) {
  OperationQueue queue(2);
  queue.Start();
  std::atomic<bool> quick_ran = false;
  std::atomic<int> slow = 0, most = 0;
  for (int i = 0; i < 6; ++i) {
    queue.Push({NthUuid(i), JobKind::kBuild, true, 1, false, [&](Cancellation& cancel) {
                  most = std::max(most.load(), ++slow);
                  while (!quick_ran && Pause(std::chrono::milliseconds(1), cancel.token())) {
                  }
                  --slow;
                }});
  }
  queue.Push(
      {NthUuid(100), JobKind::kDelete, false, 1, false, [&](Cancellation&) { quick_ran = true; }});
  queue.WaitIdle();
  EXPECT_TRUE(quick_ran);
  EXPECT_LE(most, 2);
}

TEST(OperationQueue, ParkedJobsHoldNoThreadAndKeepTheirPlace) {
  OperationQueue queue(1);
  queue.Start();
  std::atomic<bool> go_on = false, other_ran = false, behind_ran = false, wrong = false;
  std::atomic<int> runs = 0;
  const auto parks = [&](Cancellation& cancel) {
    ++runs;
    if (!go_on) cancel.Park(std::chrono::milliseconds(1));
  };
  for (int i = 0; i < 5; ++i) queue.Push({NthUuid(i), JobKind::kBuild, true, 1, false, parks});
  queue.Push({NthUuid(0), JobKind::kAction, true, 1, false, [&](Cancellation&) {
                behind_ran = true;
                wrong = !go_on;
              }});
  queue.Push(
      {NthUuid(50), JobKind::kBuild, true, 1, false, [&](Cancellation&) { other_ran = true; }});
  while (!other_ran || runs < 20) std::this_thread::yield();
  EXPECT_FALSE(behind_ran);
  EXPECT_TRUE(queue.Busy(NthUuid(0)));
  go_on = true;
  queue.WaitIdle();
  EXPECT_TRUE(behind_ran);
  EXPECT_FALSE(wrong);
}

TEST(OperationQueue, DeleteAndDrainWakeWhatIsParked) {
  OperationQueue queue(1);
  queue.Start();
  std::atomic<int> parked = 0;
  std::array<std::atomic<StopKind>, 2> kinds = {StopKind::kNone, StopKind::kNone};
  for (int i = 0; i < 2; ++i) {
    queue.Push({NthUuid(i), JobKind::kBuild, true, 1, false, [&, i](Cancellation& cancel) {
                  kinds[static_cast<std::size_t>(i)] = cancel.kind();
                  if (cancel.kind() != StopKind::kNone) return;
                  cancel.Park(std::chrono::hours(1));
                  ++parked;
                }});
  }
  while (parked < 2) std::this_thread::yield();
  queue.CancelForDelete(NthUuid(0), 1);
  while (queue.Busy(NthUuid(0))) std::this_thread::yield();
  EXPECT_EQ(kinds[0], StopKind::kDelete);
  queue.Drain(std::chrono::steady_clock::now() + std::chrono::hours(1));
  EXPECT_EQ(kinds[1], StopKind::kDrain);
}

TEST(OperationQueue, OneSuspectAtATime) {
  OperationQueue queue(3);
  queue.Start();
  std::atomic<int> suspects = 0, most = 0, others = 0;
  for (int i = 0; i < 6; ++i) {
    const bool suspect = i % 2 == 0;
    queue.Push({NthUuid(i), JobKind::kBuild, true, 1, suspect, [&, suspect](Cancellation& cancel) {
                  if (!suspect) {
                    ++others;
                    return;
                  }
                  most = std::max(most.load(), ++suspects);
                  Pause(std::chrono::milliseconds(5), cancel.token());
                  --suspects;
                }});
  }
  queue.WaitIdle();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(others, 3);
}

TEST(OperationQueue, DrainForgetsTheQueuedAndCancelsTheRunning) {
  OperationQueue queue(1);
  queue.Start();
  std::atomic<bool> started = false, second = false;
  StopKind kind = StopKind::kNone;
  queue.Push({NthUuid(1), JobKind::kBuild, true, 1, false, [&](Cancellation& cancel) {
                started = true;
                while (Pause(std::chrono::milliseconds(1), cancel.token())) {
                }
                kind = cancel.kind();
              }});
  queue.Push({NthUuid(1), JobKind::kBuild, true, 1, false, [&](Cancellation&) { second = true; }});
  while (!started) std::this_thread::yield();
  EXPECT_FALSE(queue.Drain(std::chrono::steady_clock::now()));
  EXPECT_EQ(kind, StopKind::kDrain);
  EXPECT_FALSE(second);
}

}  // namespace
}  // namespace kilonova::testing
