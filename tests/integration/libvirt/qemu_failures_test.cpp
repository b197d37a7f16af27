// SPDX-License-Identifier: Apache-2.0
// Guests that do not start or die, a libvirtd that is killed or hangs.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/integration/libvirt/qemu_fixture.h"

namespace kilonova::testing {
namespace {

using agent::adapters::libvirt::Options;
using agent::core::DomainEventKind;
using model::PowerState;
using std::chrono::milliseconds;

int ThreadsOfThisProcess() {
  int count = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    ++count;
  }
  return count;
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
