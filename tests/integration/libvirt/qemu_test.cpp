// SPDX-License-Identifier: Apache-2.0
// The libvirt adapter on a real libvirtd and QEMU.
#include <fstream>
#include <ranges>
#include <set>

#include "tests/integration/libvirt/qemu_fixture.h"
#include "tests/support/hypervisor_contract.h"

namespace kilonova::testing {
namespace {

using agent::core::DomainEventKind;
using model::PowerState;

TEST_F(QemuTest, Lifecycle_EachStepTwice_IsTheSame) {
  const auto request = Make(1);
  const Uuid& uuid = request.instance.uuid;
  EXPECT_TRUE(HasReason(hypervisor_->State(uuid).status(), reason::kDomainNotFound));
  EXPECT_TRUE(HasReason(hypervisor_->Start(uuid), reason::kDomainNotFound));

  for (int i = 0; i < 2; ++i) {
    const Status defined = Define(request);
    ASSERT_TRUE(defined.ok()) << Describe(defined);
  }
  EXPECT_EQ(Power(uuid), PowerState::kShutdown);
  for (int i = 0; i < 2; ++i) {
    const Status started = hypervisor_->Start(uuid);
    ASSERT_TRUE(started.ok()) << Describe(started);
  }
  EXPECT_EQ(Power(uuid), PowerState::kRunning);
  EXPECT_TRUE(Within(kPatience, [&] { return events_.Saw(uuid, DomainEventKind::kStarted); }));

  const auto list = hypervisor_->List();
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->front().uuid, uuid);
  EXPECT_EQ(list->front().name, "instance-00000001");
  EXPECT_EQ(list->front().owner.host, kHost);
  EXPECT_EQ(list->front().owner.generation, 7);
  EXPECT_EQ(list->front().owner.claim_id, request.claim.claim_id);

  EXPECT_TRUE(hypervisor_->Shutdown(uuid).ok());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(hypervisor_->Destroy(uuid).ok());
  EXPECT_TRUE(Within(kPatience, [&] { return events_.Saw(uuid, DomainEventKind::kStopped); }));
  EXPECT_TRUE(hypervisor_->Shutdown(uuid).ok());  // off already
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(hypervisor_->Undefine(uuid).ok());
  EXPECT_TRUE(hypervisor_->Destroy(uuid).ok());  // gone already
  EXPECT_TRUE(Within(kPatience, [&] { return events_.Saw(uuid, DomainEventKind::kUndefined); }));
  EXPECT_TRUE(HasReason(hypervisor_->State(uuid).status(), reason::kDomainNotFound));
  EXPECT_GT(calls_, 10);
}

TEST_F(QemuTest, Contract_IsKept) {
  CheckHypervisorContract(*hypervisor_, [this](const Uuid& uuid) {
    auto request = SmallGuest(2);
    request.instance.uuid = uuid;
    MakeDisks(config_, request, base_);
    return XmlOf(config_, request, base_);
  });
}

TEST_F(QemuTest, Define_BothMachinesAndBuses_Start) {
  std::int64_t id = 10;
  for (const char* machine : {"pc", "q35"}) {
    for (const char* bus : {"virtio", "sata"}) {
      auto request = Make(++id);
      request.image.properties = {{"hw_machine_type", machine}, {"hw_disk_bus", bus}};
      request.instance.config_drive = true;
      MustRun("truncate -s 1M " + config_.paths.ConfigDrive(request.instance.uuid).string());
      const Status defined = Define(request);
      ASSERT_TRUE(defined.ok()) << machine << bus << Describe(defined);
      const Status started = hypervisor_->Start(request.instance.uuid);
      EXPECT_TRUE(started.ok()) << machine << bus << Describe(started);
    }
  }
}

TEST_F(QemuTest, Start_WithNics_LocksTheMacOnBridgeAndNetwork) {
  auto request = Make(20);
  request.nics = {Nic(model::NetworkKind::kBridge, "kn-br", 1),
                  Nic(model::NetworkKind::kLibvirtNetwork, "kn-net", 2)};
  ASSERT_TRUE(Define(request).ok());
  const Status started = hypervisor_->Start(request.instance.uuid);
  ASSERT_TRUE(started.ok()) << Describe(started);
  const auto rules = libvirtd_->Inside({"ebtables", "-t", "nat", "-L"});
  ASSERT_TRUE(rules.ok()) << Describe(rules.status());
  for (const auto& nic : request.nics) {
    const auto link =
        libvirtd_->Inside({"ip", "-o", "link", "show", agent::guest::TapName(nic.port_id)});
    ASSERT_TRUE(link.ok()) << Describe(link.status());
    EXPECT_NE(link->find("mtu 1450"), std::string::npos) << *link;
    EXPECT_NE(rules->find("-s " + nic.mac), std::string::npos) << *rules;
  }
  ASSERT_TRUE(hypervisor_->Destroy(request.instance.uuid).ok());
  EXPECT_FALSE(
      libvirtd_->Inside({"ip", "link", "show", agent::guest::TapName(request.nics[0].port_id)})
          .ok());
}

TEST_F(QemuTest, NetworkBridge_ActiveAndNot_SaysSo) {
  const auto bridge = hypervisor_->NetworkBridge("kn-net");
  ASSERT_TRUE(bridge.ok()) << Describe(bridge.status());
  EXPECT_EQ(*bridge, "kn-netbr");
  EXPECT_TRUE(
      HasReason(hypervisor_->NetworkBridge("no such").status(), reason::kHostNetworkMissing));
}

TEST_F(QemuTest, ForeignDomains_NeverListedNeverTouched) {
  auto request = Make(30);
  auto config = config_;
  config.host = "another-host";
  const auto file = libvirtd_->directory() / "foreign.xml";
  std::ofstream(file) << XmlOf(config, request, base_);
  ASSERT_TRUE(libvirtd_->Virsh({"define", file.string()}).ok());
  const Uuid& uuid = request.instance.uuid;
  EXPECT_TRUE(hypervisor_->List()->empty());
  EXPECT_TRUE(HasReason(hypervisor_->State(uuid).status(), reason::kHypervisorRefused));
  EXPECT_TRUE(HasReason(hypervisor_->Start(uuid), reason::kHypervisorRefused));
  EXPECT_TRUE(HasReason(hypervisor_->Undefine(uuid), reason::kHypervisorRefused));
  EXPECT_TRUE(HasReason(Define(request), reason::kHypervisorRefused));
  ASSERT_TRUE(libvirtd_->Virsh({"start", uuid.str()}).ok());
  EXPECT_TRUE(HasReason(hypervisor_->Destroy(uuid), reason::kHypervisorRefused));
  ASSERT_TRUE(libvirtd_->Virsh({"destroy", uuid.str()}).ok());
  ASSERT_TRUE(libvirtd_->Virsh({"undefine", uuid.str()}).ok());
  EXPECT_EQ(events_.Of(uuid), 0U);
}

TEST_F(QemuTest, Facts_OfTheMachine_AreThere) {
  const auto facts = hypervisor_->Facts();
  ASSERT_TRUE(facts.ok()) << Describe(facts.status());
  EXPECT_EQ(facts->virt_type, "qemu");
  EXPECT_EQ(facts->arch, "x86_64");
  EXPECT_FALSE(facts->cpu_model.empty());
  EXPECT_GT(facts->cpu_features.size(), 20U);
  EXPECT_TRUE(std::is_sorted(facts->cpu_features.begin(), facts->cpu_features.end()));
  EXPECT_GT(facts->cpus, 0);
  EXPECT_GT(facts->memory_mb, 0);
  EXPECT_GE(facts->hypervisor_version, 5'000'000);
  const std::vector<std::string> triple{"x86_64", "qemu", "hvm"};
  EXPECT_NE(std::find(facts->supported_instances.begin(), facts->supported_instances.end(), triple),
            facts->supported_instances.end());
}

TEST_F(QemuTest, Facts_OfWhatGuestsCanBeGiven_AreThere) {
  const auto facts = hypervisor_->Facts();
  ASSERT_TRUE(facts.ok()) << Describe(facts.status());
  const auto& guests = facts->guests;
  EXPECT_FALSE(guests.host_uuid.empty());
  EXPECT_TRUE(guests.machine_types.contains("pc") && guests.machine_types.contains("q35"));
  const auto& canonical = guests.canonical_machines.at("x86_64");
  EXPECT_EQ(canonical.at(canonical.at("q35")), canonical.at("q35"));
  EXPECT_TRUE(guests.machines.at("q35").uefi);
  EXPECT_TRUE(guests.machines.at(canonical.at("q35")).uefi);
  EXPECT_NE(std::ranges::find(guests.cpu_models, "Nehalem"), guests.cpu_models.end());
  ASSERT_EQ(guests.cpu_model_features.size(), 1U) << "those that were asked for and exist";
  EXPECT_TRUE(guests.cpu_model_features.at("Nehalem").contains("sse4.2"));
  EXPECT_FALSE(guests.cpu_model_features.at("Nehalem").contains("avx2"));
  EXPECT_TRUE(guests.rng_device);
  ASSERT_FALSE(guests.cells.empty());
  std::set<int> cpus;
  for (const auto& cell : guests.cells) {
    EXPECT_GT(cell.memory_kib, 0);
    EXPECT_FALSE(cell.pages.empty());
    for (const auto& cpu : cell.cpus) {
      cpus.insert(cpu.id);
      EXPECT_TRUE(cpu.siblings.contains(cpu.id));
    }
  }
  EXPECT_TRUE(std::ranges::includes(cpus, guests.online_cpus));
  EXPECT_EQ(static_cast<std::int64_t>(guests.online_cpus.size()), facts->cpus);
  ASSERT_FALSE(guests.firmware.empty());
  EXPECT_TRUE(std::filesystem::exists(guests.firmware.front().executable));
  EXPECT_TRUE(facts->swtpm);
}

}  // namespace
}  // namespace kilonova::testing
