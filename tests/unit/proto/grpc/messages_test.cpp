// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <kilonova/v1/agent.pb.h>
#include <kilonova/v1/flavor.pb.h>
#include <kilonova/v1/image.pb.h>
#include <kilonova/v1/instance.pb.h>

#include "common/base/hash.h"
#include "proto/grpc/flavor.h"
#include "proto/grpc/host_report.h"
#include "proto/grpc/image.h"
#include "proto/grpc/state_report.h"
#include "proto/grpc/states.h"

namespace kilonova::grpc {
namespace {

model::Flavor SomeFlavor() {
  model::Flavor flavor;
  flavor.id = 7;
  flavor.flavorid = "42";
  flavor.name = "m1.tiny";
  flavor.vcpus = 2;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  flavor.ephemeral_gb = 3;
  flavor.swap_mb = 4;
  flavor.rxtx_factor = 0.5;
  flavor.is_public = false;
  flavor.disabled = true;
  flavor.description = "d";
  flavor.extra_specs = {{"hw:cpu_policy", "dedicated"}, {"a", "b"}};
  return flavor;
}

TEST(Flavor, RoundTrip_KeepsEverything) {
  v1::Flavor message;
  ToProto(SomeFlavor(), &message);
  EXPECT_EQ(FromProto(message), SomeFlavor());
  EXPECT_EQ(message.content_hash(), SomeFlavor().ContentHash());
}

TEST(Flavor, SetHash_DoesNotDependOnOrderButOnContent) {
  model::Flavor a = SomeFlavor(), b = SomeFlavor();
  b.flavorid = "100";
  b.name = "other";
  const std::string hash = FlavorsHash({a, b});
  EXPECT_EQ(hash, FlavorsHash({b, a}));
  // Ordered by flavorid as text: "100" before "42".
  EXPECT_EQ(hash, Sha256Hex(b.ContentHash() + "\n" + a.ContentHash() + "\n"));
  b.vcpus = 3;
  EXPECT_NE(hash, FlavorsHash({a, b}));
}

TEST(Image, RoundTrip_KeepsEverything) {
  const model::ImageSource image{.id = Uuid::Random(),
                                 .name = "i",
                                 .disk_format = "qcow2",
                                 .container_format = "bare",
                                 .url = "file:///x",
                                 .sha256 = std::string(64, 'a'),
                                 .size_bytes = 5'000'000'000u,
                                 .min_disk_gb = 1,
                                 .min_ram_mb = 2,
                                 .properties = {{"hw_disk_bus", "virtio"}}};
  v1::Image message;
  ToProto(image, &message);
  const auto back = FromProto(message);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, image);
  message.set_id("NOT-A-UUID");
  EXPECT_TRUE(HasReason(FromProto(message).status(), reason::kImageInvalid));
  message.clear_id();
  EXPECT_TRUE(FromProto(message)->id.empty());
}

TEST(States, EveryState_RoundTripsUnderItsProtoName) {
  for (int number = 1; number < v1::VmState_ARRAYSIZE; ++number) {
    const auto state = VmStateFromProto(number);
    ASSERT_TRUE(state.ok()) << number;
    EXPECT_EQ(ToProto(*state), number);
    // VM_STATE_SOFT_DELETED is Nova's "soft-delete", VM_STATE_BUILDING is "building"...
    std::string name = v1::VmState_Name(static_cast<v1::VmState>(number)).substr(9);
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    if (name == "soft_deleted") name = "soft-delete";
    EXPECT_EQ(Name(*state), name);
  }
  EXPECT_FALSE(VmStateFromProto(0).ok());
  EXPECT_FALSE(VmStateFromProto(99).ok());
  for (const int number : {0, 1, 3, 4, 6, 7})
    EXPECT_EQ(ToProto(*PowerStateFromProto(number)), number);
  for (const int number : {-1, 2, 5, 8}) EXPECT_FALSE(PowerStateFromProto(number).ok());
  EXPECT_EQ(*TaskStateFromProto(""), model::TaskState::kNone);
  EXPECT_EQ(*TaskStateFromProto("powering-off"), model::TaskState::kPoweringOff);
  EXPECT_FALSE(TaskStateFromProto("dancing").ok());
}

model::StateReport SomeReport() {
  return {.seq = 9,
          .instance_uuid = Uuid::Random(),
          .generation = 2,
          .request_id = "req-1",
          .operation = "build",
          .outcome = model::Outcome::kFailed,
          .vm_state = model::VmState::kError,
          .task_state = model::TaskState::kSpawning,
          .power_state = model::PowerState::kShutdown,
          .fault = model::Fault{"IMAGE_UNSAFE", "the image names a backing file", true},
          .launched_at = FromMicros(12345),
          .timings = {{"image", std::chrono::microseconds(7)}},
          .at = FromMicros(99)};
}

TEST(StateReport, RoundTrip_KeepsEverything) {
  for (const auto outcome : {model::Outcome::kProgress, model::Outcome::kDone,
                             model::Outcome::kFailed, model::Outcome::kObserved}) {
    model::StateReport report = SomeReport();
    report.outcome = outcome;
    v1::StateReport message;
    ToProto(report, &message);
    const auto back = FromProto(message);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, report);
  }
}

TEST(StateReport, Nonsense_IsRefused) {
  const auto refused = [](auto change) {
    v1::StateReport message;
    ToProto(SomeReport(), &message);
    change(&message);
    return !FromProto(message).ok();
  };
  EXPECT_TRUE(refused([](auto* m) { m->set_seq(0); }));
  EXPECT_TRUE(refused([](auto* m) { m->set_instance_uuid("x"); }));
  EXPECT_TRUE(refused([](auto* m) { m->set_outcome(v1::OUTCOME_UNSPECIFIED); }));
  EXPECT_TRUE(refused([](auto* m) { m->set_vm_state(v1::VM_STATE_UNSPECIFIED); }));
  EXPECT_TRUE(refused([](auto* m) { m->set_task_state("dancing"); }));
  EXPECT_TRUE(refused([](auto* m) { m->clear_fault_reason(); }));
}

TEST(StateReport, FaultTextThatIsNoUtf8_StillTravels) {
  model::StateReport report = SomeReport();
  report.fault->message = "qemu said \xFF\xFE";
  v1::StateReport message, parsed;
  ToProto(report, &message);
  ASSERT_TRUE(parsed.ParseFromString(message.SerializeAsString()));
  EXPECT_EQ(FromProto(parsed)->fault->message, "qemu said ??");
}

model::HostReport SomeHost() {
  model::HostReport host;
  host.host = "c1";
  host.hypervisor_hostname = "c1.example";
  host.hypervisor_type = "QEMU";
  host.hypervisor_version = 7002000;
  host.virt_type = "kvm";
  host.cpu_arch = "x86_64";
  host.traits = {"HW_CPU_X86_AVX2"};
  host.supported_instances = {{"x86_64", "kvm", "hvm"}};
  host.inventories = {{"VCPU", {.total = 8, .max_unit = 8, .allocation_ratio = 4.0}},
                      {"MEMORY_MB", {.total = 1024, .reserved = 512, .max_unit = 1024}}};
  host.degraded = {"HYPERVISOR_UNAVAILABLE"};
  model::HostNumaCell cell;
  cell.id = 1;
  cell.cpuset = "0-1";
  cell.pcpuset = "2-3";
  cell.memory_mb = 1024;
  cell.cpu_usage = 1;
  cell.memory_usage_mb = 64;
  cell.pinned_cpus = "2";
  cell.siblings = {"0,2", "1,3"};
  cell.pages = {{4, 262144, 0, 0}, {2048, 8, 4, 2}};
  cell.socket = 0;
  host.numa_cells = {cell, {.id = 2}};
  host.free_disk_gb = 5;
  host.stats = {{"rack", "r7"}};
  host.pci_pools = {{"8086", "10ed", 1, 4, {{"physical_network", "net"}}}};
  host.nested = {{"gpus", "", {}, {"HW_GPU_API_VULKAN"}},
                 {"gpu-0", "gpus", {{"VGPU", {.total = 4, .max_unit = 4}}}, {"CUSTOM_BIG"}}};
  return host;
}

TEST(HostReport, RoundTrip_KeepsEverything) {
  const std::vector<model::HostInstance> instances{
      {Uuid::Random(), 3, model::PowerState::kRunning, true, 12, {{Uuid::Random(), "10.0.0.9"}}}};
  v1::HostReport message;
  ToProto(SomeHost(), instances, {{"builds.done", 4}}, &message);
  const auto back = FromProto("c1", message);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->inventories, SomeHost().inventories);
  EXPECT_EQ(back->supported_instances, SomeHost().supported_instances);
  EXPECT_EQ(back->degraded, SomeHost().degraded);
  EXPECT_EQ(back->traits, SomeHost().traits);
  EXPECT_EQ(back->numa_cells, SomeHost().numa_cells);
  EXPECT_EQ(back->stats, SomeHost().stats);
  EXPECT_EQ(back->pci_pools, SomeHost().pci_pools);
  EXPECT_EQ(back->nested, SomeHost().nested);
  EXPECT_EQ(back->host, "c1");
  EXPECT_EQ(message.counters().at("builds.done"), 4);
  const auto listed = InstancesFromProto(message);
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ((*listed)[0].uuid, instances[0].uuid);
  EXPECT_EQ((*listed)[0].generation, 3);
  EXPECT_TRUE((*listed)[0].building);
  EXPECT_EQ((*listed)[0].id, 12);
  EXPECT_EQ((*listed)[0].addresses, instances[0].addresses);
}

TEST(HostReport, SenselessInventory_IsRefused) {
  const auto refused = [](auto change) {
    v1::HostReport message;
    ToProto(SomeHost(), {}, {}, &message);
    change(message.mutable_inventories(0));
    return !FromProto("c1", message).ok();
  };
  EXPECT_FALSE(refused([](auto*) {}));
  EXPECT_TRUE(refused([](auto* i) { i->set_total(-1); }));
  EXPECT_TRUE(refused([](auto* i) { i->set_total(1LL << 40); }));
  EXPECT_TRUE(refused([](auto* i) { i->set_allocation_ratio(0); }));
  EXPECT_TRUE(refused([](auto* i) { i->set_step_size(0); }));
  EXPECT_TRUE(refused([](auto* i) { i->set_resource_class("vcpu; drop"); }));
  EXPECT_TRUE(refused([](auto* i) { i->set_resource_class("VCPU"); }));  // now there are two
}

}  // namespace
}  // namespace kilonova::grpc
