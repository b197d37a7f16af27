// SPDX-License-Identifier: Apache-2.0
// The libvirt adapter on a real libvirtd and QEMU.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <ranges>
#include <set>
#include <thread>

#include "agent/adapters/libvirt/hypervisor.h"
#include "tests/integration/libvirt/builders.h"
#include "tests/support/hypervisor_contract.h"
#include "tests/support/libvirtd.h"

namespace kilonova::testing {
namespace {

using agent::adapters::libvirt::Hypervisor;
using agent::adapters::libvirt::Options;
using agent::core::DomainEvent;
using agent::core::DomainEventKind;
using model::PowerState;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Events {
 public:
  void Add(const DomainEvent& event) {
    const std::scoped_lock lock(mutex_);
    all_.push_back(event);
  }
  bool Saw(const Uuid& uuid, DomainEventKind kind) const {
    const std::scoped_lock lock(mutex_);
    return std::any_of(all_.begin(), all_.end(),
                       [&](const auto& e) { return e.uuid == uuid && e.kind == kind; });
  }
  std::size_t Of(const Uuid& uuid) const {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [&](const auto& e) { return e.uuid == uuid; }));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<DomainEvent> all_;
};

int ThreadsOfThisProcess() {
  int count = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    ++count;
  }
  return count;
}

class QemuTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    libvirtd_ = new TestLibvirtd();
    const Status started = libvirtd_->Start();
    ASSERT_TRUE(started.ok()) << Describe(started);
    ASSERT_TRUE(libvirtd_->AddBridge("kn-br").ok());
    ASSERT_TRUE(libvirtd_->AddNetwork("kn-net", "kn-netbr").ok());
  }
  static void TearDownTestSuite() {
    delete libvirtd_;
    libvirtd_ = nullptr;
  }

  void SetUp() override {
    config_ = GuestConfigIn(libvirtd_->directory());
    base_ = BaseIn(libvirtd_->directory());
    Options options;
    options.uri = libvirtd_->uri();
    options.host = kHost;
    options.virt_type = "qemu";
    options.cpu_models = {"nehalem", "no-such-model"};
    options.most_backoff = milliseconds(200);
    options.on_call = [this](std::string_view, std::chrono::microseconds, bool) { ++calls_; };
    Connect(options);
  }
  void Connect(const Options& options) {
    options_ = options;
    hypervisor_ = std::make_unique<Hypervisor>(options);
    hypervisor_->Subscribe([this](const DomainEvent& e) { events_.Add(e); },
                           [this] { ++reconnections_; });
    ASSERT_TRUE(Within(kPatience, [this] { return hypervisor_->Connected(); }));
  }

  void TearDown() override {
    for (const auto& uuid : made_) {
      hypervisor_->Destroy(uuid).IgnoreError();
      hypervisor_->Undefine(uuid).IgnoreError();
    }
    hypervisor_.reset();
  }

  model::BuildRequest Make(std::int64_t id) {
    auto request = SmallGuest(id);
    MakeDisks(config_, request, base_);
    made_.push_back(request.instance.uuid);
    return request;
  }
  Status Define(const model::BuildRequest& request) {
    return hypervisor_->Define(XmlOf(config_, request, base_));
  }
  PowerState Power(const Uuid& uuid) {
    const auto state = hypervisor_->State(uuid);
    return state.ok() ? state->power : PowerState::kNoState;
  }

  static TestLibvirtd* libvirtd_;
  agent::guest::GuestConfig config_;
  agent::core::CachedImage base_;
  Events events_;
  std::atomic<int> reconnections_ = 0, calls_ = 0;
  Options options_;
  std::unique_ptr<Hypervisor> hypervisor_;
  std::vector<Uuid> made_;
};

TestLibvirtd* QemuTest::libvirtd_ = nullptr;

model::NicRequest Nic(model::NetworkKind kind, const std::string& source, int number) {
  model::NicRequest nic;
  nic.port_id = Uuid::Random();
  nic.network_id = Uuid::Random();
  nic.kind = kind;
  nic.source = source;
  nic.mac = "fa:16:3e:00:00:0" + std::to_string(number);
  nic.mtu = 1450;
  return nic;
}

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

// What libvirt and swtpm keep beside a definition goes with it, also in the middle of things.
TEST_F(QemuTest, Undefine_WithFirmwareAndTpm_LeavesNothing) {
  const Uuid uuid = Uuid::Random();
  made_.push_back(uuid);
  const std::string xml =
      "<domain type='qemu'><name>efi</name><uuid>" + uuid.str() +
      "</uuid><metadata><kilonova:owner xmlns:kilonova='" +
      std::string(agent::core::kOwnerTagNamespace) + "' host='" + kHost +
      "' generation='1' claim=''/></metadata><memory unit='MiB'>64</memory><vcpu>1</vcpu><os>"
      "<type arch='x86_64' machine='q35'>hvm</type><loader readonly='yes' type='pflash'>"
      "/usr/share/OVMF/OVMF_CODE_4M.fd</loader><nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'/>"
      "</os><features><acpi/></features><devices><tpm model='tpm-crb'>"
      "<backend type='emulator' version='2.0'/></tpm></devices></domain>";
  const auto left = [&] {
    const auto found = libvirtd_->Inside({"sh", "-c",
                                          "find /var/lib/libvirt/qemu/nvram /var/lib/libvirt/swtpm "
                                          "-mindepth 1 2>/dev/null || true"});
    return found.ok() ? *found : Describe(found.status());
  };
  for (int round = 0; round < 2; ++round) {
    const Status defined = hypervisor_->Define(xml);
    ASSERT_TRUE(defined.ok()) << Describe(defined);
    const Status started = hypervisor_->Start(uuid);
    ASSERT_TRUE(started.ok()) << Describe(started);
    EXPECT_NE(left().find("efi_VARS.fd"), std::string::npos) << left();
    EXPECT_NE(left().find(uuid.str()), std::string::npos) << left();
    EXPECT_TRUE(hypervisor_->Define(xml).ok());  // a hard reboot does so
    ASSERT_TRUE(hypervisor_->Destroy(uuid).ok());
    ASSERT_TRUE(hypervisor_->Undefine(uuid).ok());
    EXPECT_EQ(left(), "");
  }
}

// A TPM's state is opened by the passphrase it was made with, which libvirt has only when told.
TEST_F(QemuTest, TpmSecret_OpensItsTpmAndIsForgotten) {
  const Uuid uuid = Uuid::Random();
  const std::string xml =
      "<domain type='qemu'><name>kn-sealed</name><uuid>" + uuid.str() +
      "</uuid><metadata><kilonova:owner xmlns:kilonova='" +
      std::string(agent::core::kOwnerTagNamespace) + "' host='" + kHost +
      "' generation='1' claim=''/></metadata><memory unit='MiB'>64</memory><vcpu>1</vcpu><os>"
      "<type arch='x86_64' machine='q35'>hvm</type></os><devices><tpm model='tpm-crb'><backend "
      "type='emulator' version='2.0'><encryption secret='" +
      uuid.str() + "'/></backend></tpm></devices></domain>";
  const auto listed = [&] {
    return libvirtd_->Inside({"virsh", "-q", "-c", libvirtd_->uri(), "secret-list"}).value_or("?");
  };
  ASSERT_TRUE(hypervisor_->Define(xml).ok());
  EXPECT_FALSE(hypervisor_->Start(uuid).ok()) << "libvirt was told no passphrase";
  EXPECT_TRUE(hypervisor_->ForgetTpmSecret(uuid).ok()) << "there is none";
  const std::string passphrase(512, 'p');
  for (int i = 0; i < 2; ++i) {
    const Status set = hypervisor_->SetTpmSecret(uuid, passphrase);
    ASSERT_TRUE(set.ok()) << Describe(set);
  }
  EXPECT_NE(listed().find(uuid.str()), std::string::npos);
  EXPECT_NE(listed().find("vtpm"), std::string::npos);
  const auto value =
      libvirtd_->Inside({"virsh", "-q", "-c", libvirtd_->uri(), "secret-get-value", uuid.str()});
  EXPECT_FALSE(value.ok()) << "it is private";
  const Status started = hypervisor_->Start(uuid);
  ASSERT_TRUE(started.ok()) << Describe(started);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(hypervisor_->ForgetTpmSecret(uuid).ok());
  EXPECT_EQ(listed(), "");
  ASSERT_TRUE(hypervisor_->Destroy(uuid).ok());
  ASSERT_TRUE(hypervisor_->SetTpmSecret(uuid, std::string(512, 'q')).ok());
  EXPECT_FALSE(hypervisor_->Start(uuid).ok()) << "another passphrase";
  ASSERT_TRUE(hypervisor_->SetTpmSecret(uuid, passphrase).ok());
  EXPECT_TRUE(hypervisor_->Start(uuid).ok());
  ASSERT_TRUE(hypervisor_->Destroy(uuid).ok());
  ASSERT_TRUE(hypervisor_->Undefine(uuid).ok());
  ASSERT_TRUE(hypervisor_->ForgetTpmSecret(uuid).ok());
  EXPECT_EQ(listed(), "");
}

TEST_F(QemuTest, Define_Refused_TellsTheTenantNoPath) {
  auto request = Make(40);
  request.nics = {Nic(model::NetworkKind::kBridge, "kn-missing", 1)};
  ASSERT_TRUE(Define(request).ok());
  const Status started = hypervisor_->Start(request.instance.uuid);
  EXPECT_TRUE(HasReason(started, reason::kHypervisorRefused)) << Describe(started);
  EXPECT_EQ(Message(started).find("kn-missing"), std::string::npos);
  EXPECT_NE(DetailsOf(started)[std::string(kOperatorDetail)].find("kn-missing"), std::string::npos);
}

TEST_F(QemuTest, GuestDies_EventSaysCrashed) {
  const auto request = Make(50);
  const Uuid& uuid = request.instance.uuid;
  ASSERT_TRUE(Define(request).ok());
  ASSERT_TRUE(hypervisor_->Start(uuid).ok());
  const int pid = libvirtd_->QemuPid("instance-00000032");
  ASSERT_GT(pid, 0);
  ASSERT_TRUE(libvirtd_->Inside({"kill", "-KILL", std::to_string(pid)}).ok());
  EXPECT_TRUE(Within(kPatience, [&] { return events_.Saw(uuid, DomainEventKind::kCrashed); }));
  EXPECT_EQ(Power(uuid), PowerState::kShutdown);
}

// A guest that switched itself off counts as off, but libvirt has it active until QEMU has ended,
// which may take its time: here the server of its disk does not answer the last flush.
TEST_F(QemuTest, StartOfAGuestThatIsGoingDown_StartsItAnew) {
  const auto& directory = libvirtd_->directory();
  const std::string socket = (directory / "nbd.sock").string();
  const std::string pid_file = (directory / "nbd.pid").string();
  MustRun("truncate -s 1M " + (directory / "nbd.raw").string());
  MustRun("qemu-nbd --fork -t -e 4 -f raw -k " + socket + " --pid-file " + pid_file + " " +
          (directory / "nbd.raw").string() + " >/dev/null 2>&1");
  pid_t server = 0;
  std::ifstream(pid_file) >> server;
  ASSERT_GT(server, 0);
  const Uuid uuid = Uuid::Random();
  made_.push_back(uuid);
  const std::string xml =
      "<domain type='qemu'><name>kn-down</name><uuid>" + uuid.str() +
      "</uuid><metadata><kilonova:owner xmlns:kilonova='" +
      std::string(agent::core::kOwnerTagNamespace) + "' host='" + kHost +
      "' generation='1' claim=''/></metadata><memory unit='MiB'>64</memory><vcpu>1</vcpu><os>"
      "<type arch='x86_64' machine='pc'>hvm</type></os><on_reboot>destroy</on_reboot><devices>"
      "<disk type='network'><driver type='raw'/><source protocol='nbd' name=''>"
      "<host transport='unix' socket='" +
      socket + "'/></source><target dev='vda' bus='virtio'/></disk></devices></domain>";
  ASSERT_TRUE(hypervisor_->Define(xml).ok());
  const Status first = hypervisor_->Start(uuid);
  ASSERT_TRUE(first.ok()) << Describe(first);
  const int qemu = libvirtd_->QemuPid("kn-down");

  kill(server, SIGSTOP);
  // No answer to this comes from a QEMU that waits for its disk.
  std::jthread reset([] { libvirtd_->Virsh({"reset", "kn-down"}).status().IgnoreError(); });
  EXPECT_TRUE(Within(kPatience, [&] { return Power(uuid) == PowerState::kShutdown; }));
  EXPECT_EQ(libvirtd_->QemuPid("kn-down"), qemu) << "its process is there";
  Status again;
  std::atomic<bool> done = false;
  std::jthread starter([&] {
    again = hypervisor_->Start(uuid);
    done = true;
  });
  EXPECT_FALSE(Within(milliseconds(500), [&] { return done.load(); }));
  kill(server, SIGCONT);
  starter.join();
  reset.join();
  EXPECT_TRUE(again.ok()) << Describe(again);
  EXPECT_EQ(Power(uuid), PowerState::kRunning);
  EXPECT_NE(libvirtd_->QemuPid("kn-down"), qemu);
  EXPECT_TRUE(hypervisor_->Destroy(uuid).ok());
  kill(server, SIGTERM);
}

TEST_F(QemuTest, LibvirtdKilled_GuestGoesOnAndTheAdapterComesBack) {
  const auto request = Make(60);
  const Uuid& uuid = request.instance.uuid;
  ASSERT_TRUE(Define(request).ok());
  ASSERT_TRUE(hypervisor_->Start(uuid).ok());
  const int pid = libvirtd_->QemuPid("instance-0000003c");
  ASSERT_GT(pid, 0);
  const int before = reconnections_;

  libvirtd_->Kill9();
  EXPECT_TRUE(Within(kPatience, [this] { return !hypervisor_->Connected(); }));
  EXPECT_TRUE(HasReason(hypervisor_->State(uuid).status(), reason::kHypervisorUnavailable));
  ASSERT_TRUE(libvirtd_->Restart().ok());
  EXPECT_TRUE(Within(kPatience, [&] { return reconnections_ > before; }));
  EXPECT_EQ(Power(uuid), PowerState::kRunning);
  EXPECT_EQ(libvirtd_->QemuPid("instance-0000003c"), pid);
  const int settled = reconnections_;
  ASSERT_TRUE(hypervisor_->Destroy(uuid).ok());
  // libvirtd may still be taking the guest up again, and then says nothing of its end.
  EXPECT_TRUE(Within(kPatience, [&] {
    return events_.Saw(uuid, DomainEventKind::kStopped) || reconnections_ > settled;
  }));
  EXPECT_EQ(Power(uuid), PowerState::kShutdown);
}

TEST_F(QemuTest, LibvirtdHangs_CallsFailByTheirDeadlinesAndNothingPilesUp) {
  const auto request = Make(70);
  const Uuid& uuid = request.instance.uuid;
  ASSERT_TRUE(Define(request).ok());
  ASSERT_TRUE(hypervisor_->Start(uuid).ok());
  Options options = options_;
  options.keepalive_seconds = 1;
  options.keepalive_probes = 3;
  options.deadlines.quick = milliseconds(1000);
  Connect(options);
  const int threads = ThreadsOfThisProcess();

  libvirtd_->Pause();
  std::atomic<bool> enough = false;
  std::vector<std::jthread> callers;
  std::atomic<int> unavailable = 0;
  std::atomic<std::int64_t> slowest_ms = 0;
  for (int i = 0; i < 12; ++i) {
    callers.emplace_back([&] {
      while (!enough) {
        const auto from = std::chrono::steady_clock::now();
        const auto state = hypervisor_->State(uuid);
        const auto took = std::chrono::steady_clock::now() - from;
        const auto ms = std::chrono::duration_cast<milliseconds>(took).count();
        if (ms > slowest_ms) slowest_ms = ms;
        if (HasReason(state.status(), reason::kHypervisorUnavailable)) ++unavailable;
        std::this_thread::sleep_for(milliseconds(50));
      }
    });
  }
  // Several rounds of each caller: without the deadlines not one would end.
  EXPECT_TRUE(Within(kPatience, [&] { return unavailable > 60; }));
  EXPECT_LE(ThreadsOfThisProcess(), threads + 12);
  enough = true;
  callers.clear();
  EXPECT_LT(slowest_ms, 15'000);
  EXPECT_TRUE(Within(kPatience, [&] { return ThreadsOfThisProcess() <= threads; }));

  libvirtd_->Unpause();
  EXPECT_TRUE(Within(kPatience, [&] { return Power(uuid) == PowerState::kRunning; }));
}

}  // namespace
}  // namespace kilonova::testing
